import type { ConfigReader } from '../config-reader.js';
import type { AttentionPart, DecoderAttention } from '../modules/decoder-attention.js';
import type { FeedForwardSizes, FeedPart } from '../modules/feed-forward.js';
import type { NormLayer } from '../modules/norm-layers.js';
import type { RotaryTableOptions } from '../modules/rotary.js';
import type { Step } from '../modules/sequential.js';
import type { Scope } from '../module-tree.js';

/** Where a layer's norms stand. */
export type NormPlace = 'beforeAttention' | 'afterAttention' | 'beforeFeed' | 'afterFeed';

/** A table of rotary angles, at the path of its buffer, for the layers that have a window (`near`), that do not, or all. */
export interface AngleTable {
  path: string;
  of: 'all' | 'near' | 'far';
}

/** Dimensions that every part of a decoder may want to know. */
export interface DecoderSizes extends FeedForwardSizes {
  layers: number;
  heads: number;
  keyValueHeads: number;
  headSize: number;
  norm: NormLayer;
}

/** Dimensions and options of a decoder of Llama's kind. */
export interface LlamaConfig {
  layers: number;
  hidden: number;
  vocabulary: number;
  tied: boolean;
  headBias: boolean;
  norm: NormLayer;
  /** Modules of the norms, in order of declaration. */
  norms: Partial<Record<NormPlace, string>>;
  /** Attention and feed-forward part side by side. */
  parallel: boolean;
  /** Attention's output has a name of its own, which lives to the layer's end. */
  keepsAttended: boolean;
  /** What the router says takes the name of attention's probabilities, which die then. */
  oneNameForExtras: boolean;
  olderMask: boolean;
  /** Without code for SDPA: eager attention takes its place. */
  eagerForSdpa: boolean;
  attention: AttentionPart;
  feed: FeedPart;
  /** A module beside the feed-forward part, declared after the norms, whose result is added. */
  beside: ((scope: Scope) => Step) | null;
  /** The older way of making masks, with a window. */
  slidingMask: { window: number | null } | null;
  /** Angles are made from frequencies at each call, which are no buffer. */
  madeTable: boolean;
  angles: { size: number; tables: readonly AngleTable[]; options: RotaryTableOptions; passesAll: boolean };
  slidingWindow: number | null;
  /** Windows are chunks of the sequence. */
  chunked: boolean;
  /** Which layers look no further back than the window. */
  slides: (layer: number) => boolean;
  /** Embeddings, residual branches or logits are multiplied by a number; embeddings perhaps by a tensor. */
  scales: { embeddings: false | 'before-mask' | 'after-rotary' | 'by-tensor'; residual: boolean; logits: boolean };
  /** Logits are raised to fp32 before the loss is asked for. */
  raisesLogits: boolean;
  softCaps: { attention: boolean; logits: boolean };
}

/** What a model type of the family does differently from Llama. */
export interface Variant {
  /** Whether queries, keys and values have biases where `attention_bias` is not given. */
  queryKeyValueBias?: boolean;
  /** Whether the output projection of attention has one; as `attention_bias` says where left out. */
  outputBias?: (config: ConfigReader) => boolean;
  headNorms?: (config: ConfigReader) => DecoderAttention['headNorms'];
  viewsLate?: boolean;
  /** Written in transformers' older way: keys and values repeated, masks of their own. */
  older?: boolean;
  madeTable?: boolean;
  /** The older way of making masks, with a window. */
  slidingMask?: (config: ConfigReader) => LlamaConfig['slidingMask'];
  /** The older way of making masks alone. */
  olderMask?: boolean;
  ownAngles?: boolean;
  /** Heads have a score that no token gets, for which only eager and flash attention have code. */
  sinks?: boolean;
  /** Layers see chunks of `attention_chunk_size` tokens. */
  chunked?: boolean;
  /** Whether `sliding_window` of the configuration is used. */
  slides?: (config: ConfigReader) => boolean;
  /** Layers that slide, where not all do and `layer_types` does not say. */
  slidingLayers?: (layer: number, config: ConfigReader) => boolean;
  norm?: NormLayer;
  norms?: LlamaConfig['norms'];
  parallel?: boolean;
  oneNameForExtras?: boolean;
  keepsAttended?: boolean;
  scales?: Partial<LlamaConfig['scales']>;
  raisesLogits?: boolean;
  tied?: boolean;
  headBias?: (config: ConfigReader) => boolean;
  act?: string;
  rotation?: DecoderAttention['rotation'];
  /** Whether positions turn queries and keys of a layer. */
  turns?: (layer: number, config: ConfigReader) => boolean;
  /** Size of the turning part of a head. */
  angleSize?: (config: ConfigReader, headSize: number) => number;
  tables?: readonly AngleTable[];
  tableOptions?: RotaryTableOptions;
  /** Every layer is given all tables of angles. */
  passesAll?: boolean;
  /** Dropout of attention's output. */
  residualDropout?: (config: ConfigReader) => number;
  /** Another attention than that of Llama's kind. */
  attention?: (config: ConfigReader, sizes: DecoderSizes) => AttentionPart;
  /** Another feed-forward part, such as experts. */
  feed?: (config: ConfigReader, sizes: DecoderSizes) => FeedPart;
  beside?: (config: ConfigReader, sizes: DecoderSizes) => LlamaConfig['beside'];
}
