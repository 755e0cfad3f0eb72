import type { DType } from '../../model/dtype.js';

/** One convolution kernel as a library sees it. */
export interface ConvolutionCall {
  pass: 'forward' | 'input-gradient' | 'weight-gradient';
  dtype: DType;
  inputBytes: number;
  outputBytes: number;
  weightBytes: number;
  /** Every channel has a filter of its own. */
  depthwise: boolean;
  channelsLast: boolean;
  filter: FilterKind;
}

/**
 * `pointwise`: one pixel, all channels, moved by one pixel at a time; `dense3x3`: 3 x 3 neighbouring pixels of all channels,
 * moved likewise.
 */
export type FilterKind = (typeof FILTER_KINDS)[number];

export const FILTER_KINDS = ['other', 'pointwise', 'dense3x3'] as const;

/** Bytes of scratch memory that the library asks for while the kernel runs. */
export type ConvolutionWorkspace = (call: ConvolutionCall) => number;

/** What lends it is called in the event list. */
export const CONVOLUTION_WORKSPACE = 'convolution workspace';

export const NO_WORKSPACE: ConvolutionWorkspace = () => 0;
