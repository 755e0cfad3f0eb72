import type { DType } from './dtype.js';
import { int64 } from './dtype.js';

export type Shape = readonly number[];

/** A learned tensor. Tied weights are one Parameter that stands in several modules. */
export interface Parameter {
  /** Place in `model.parameters()`; set when the tree is complete. */
  index: number;
  readonly path: string;
  readonly shape: Shape;
  /** The model itself asks for no gradient, as for sinusoidal position tables. */
  readonly frozen?: boolean;
}

/** A tensor of the module's state that is not learned: running statistics, rotary frequencies, causal masks. */
export interface Buffer {
  index: number;
  readonly path: string;
  readonly shape: Shape;
  /** null: the type of the weights. */
  readonly dtype: DType | null;
}

/** `nn.Linear` (weight [out, in]) or Hugging Face's `Conv1D` (weight [in, out], always `addmm`). */
export interface Linear {
  /** Place among all linear layers; adapters are found by it. */
  index: number;
  readonly path: string;
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly weight: Parameter;
  readonly bias: Parameter | null;
  /** Weight stored as [in, out]. */
  readonly transposed: boolean;
  /** `x @ weight.T` in the model's own Python: autocast casts the weight anew at each call and does not keep it. */
  readonly castAnew?: boolean;
  /** Layers that this one does the work of, one after another in its output: queries, keys and values in one product. */
  readonly parts?: readonly LinearPart[];
}

/** A part of a merged layer, by the last name of the layer that it stands for. */
export interface LinearPart {
  readonly name: string;
  readonly outFeatures: number;
}

export interface Normalisation {
  readonly weight: Parameter | null;
  readonly bias: Parameter | null;
}

export interface BatchNormalisation extends Normalisation {
  readonly runningMean: Buffer;
  readonly runningVariance: Buffer;
  readonly batches: Buffer;
}

export interface Convolution {
  readonly weight: Parameter;
  readonly bias: Parameter | null;
  /** One entry for each dimension of space: one, two or three. */
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly dilation: number;
  readonly groups: number;
}

/** `nn.LSTM` or `nn.GRU`: all layers and directions in one call. */
export interface Recurrent {
  readonly cell: 'lstm' | 'gru';
  readonly inFeatures: number;
  readonly hidden: number;
  readonly layers: number;
  readonly directions: number;
  /** Between layers. */
  readonly dropout: number;
  /** Of each layer and direction: from the input, from the state, and a bias for each. */
  readonly weights: readonly Parameter[];
}

/** The repeated layer of a model: the unit that is checkpointed and sharded. */
export interface Block {
  /** Place among the blocks in order of declaration. */
  readonly index: number;
  readonly scope: Scope;
}

interface Registry {
  linears: Linear[];
  blocks: Block[];
}

type PerDimension = number | readonly number[];

const along = (value: PerDimension, dimensions: number): readonly number[] =>
  typeof value === 'number' ? new Array<number>(dimensions).fill(value) : value;

export interface ConvolutionOptions {
  kernel: PerDimension;
  stride?: PerDimension;
  padding?: PerDimension;
  dilation?: number;
  groups?: number;
  bias?: boolean;
}

/**
 * One module of the model with what it declares, in the order of its constructor. The order decides
 * `model.parameters()` (own parameters, then children) and the placement by `model.to(device)` (children, then own).
 */
export class Scope {
  readonly children: Scope[] = [];
  readonly parameters: Parameter[] = [];
  readonly buffers: Buffer[] = [];
  /** Set on the modules that are linear layers, so that adapters can find them. */
  linearLayer: Linear | null = null;
  /** What its forward does otherwise than that of another module with the same parts; null: nothing. */
  variant: string | null = null;

  private constructor(
    readonly path: string,
    private readonly registry: Registry,
  ) {}

  static root(): Scope {
    return new Scope('', { linears: [], blocks: [] });
  }

  get linears(): readonly Linear[] {
    return this.registry.linears;
  }

  get blocks(): readonly Block[] {
    return this.registry.blocks;
  }

  child(name: string): Scope {
    const scope = new Scope(this.pathOf(name), this.registry);
    this.children.push(scope);
    return scope;
  }

  /** A child that is checkpointed and sharded as a unit. */
  block(name: string): Block {
    const block = { index: this.registry.blocks.length, scope: this.child(name) };
    this.registry.blocks.push(block);
    return block;
  }

  parameter(name: string, shape: Shape, options: { frozen?: boolean } = {}): Parameter {
    const { frozen = false } = options;
    const parameter = { index: -1, path: this.pathOf(name), shape, frozen };
    this.parameters.push(parameter);
    return parameter;
  }

  /** The same Parameter again, as in a language-model head tied to the embedding. */
  tie(parameter: Parameter): Parameter {
    this.parameters.push(parameter);
    return parameter;
  }

  buffer(name: string, shape: Shape, dtype: DType | null = null): Buffer {
    const buffer = { index: -1, path: this.pathOf(name), shape, dtype };
    this.buffers.push(buffer);
    return buffer;
  }

  linear(name: string, inFeatures: number, outFeatures: number, options: LinearOptions = {}): Linear {
    const scope = this.child(name);
    const shape = options.transposed ? [inFeatures, outFeatures] : [outFeatures, inFeatures];
    const weight = options.tiedTo ? scope.tie(options.tiedTo) : scope.parameter('weight', shape);
    const bias = options.biasTiedTo ? scope.tie(options.biasTiedTo) : scope.biasOf(outFeatures, options.bias);
    const index = this.registry.linears.length;
    const transposed = options.transposed ?? false;
    const { castAnew = false, parts } = options;
    const sizes = { inFeatures, outFeatures };
    const layer: Linear = {
      index,
      path: scope.path,
      ...sizes,
      weight,
      bias,
      transposed,
      castAnew,
      ...(parts && { parts }),
    };
    this.registry.linears.push(layer);
    scope.linearLayer = layer;
    return layer;
  }

  /** Makes a linear layer of parameters [out, in] and [out] that a module of the tree declared already. */
  declareLinear(weight: Parameter, bias: Parameter | null): Linear {
    const scope = this.owner(weight)!;
    const [outFeatures, inFeatures] = weight.shape as readonly [number, number];
    const index = this.registry.linears.length;
    const layer: Linear = { index, path: scope.path, inFeatures, outFeatures, weight, bias, transposed: false };
    this.registry.linears.push(layer);
    scope.linearLayer ??= layer;
    return layer;
  }

  private owner(parameter: Parameter): Scope | null {
    if (this.parameters.includes(parameter)) return this;
    for (const child of this.children) {
      if (parameter.path !== child.path && !parameter.path.startsWith(`${child.path}.`)) continue;
      const found = child.owner(parameter);
      if (found !== null) return found;
    }
    return null;
  }

  /** Hugging Face's `Conv1D`: a linear layer with the weight stored as [in, out]. */
  conv1D(name: string, inFeatures: number, outFeatures: number): Linear {
    return this.linear(name, inFeatures, outFeatures, { transposed: true });
  }

  embedding(name: string, rows: number, width: number, options: { frozen?: boolean } = {}): Parameter {
    return this.child(name).parameter('weight', [rows, width], options);
  }

  layerNorm(name: string, width: number, options: { bias?: boolean } = {}): Normalisation {
    const scope = this.child(name);
    const weight = scope.parameter('weight', [width]);
    return { weight, bias: (options.bias ?? true) ? scope.parameter('bias', [width]) : null };
  }

  /** `nn.RMSNorm`: a weight alone. */
  rmsNorm(name: string, width: number): Parameter {
    return this.child(name).parameter('weight', [width]);
  }

  groupNorm(name: string, channels: number): Normalisation {
    return this.layerNorm(name, channels);
  }

  batchNorm(name: string, channels: number): BatchNormalisation {
    const scope = this.child(name);
    return {
      weight: scope.parameter('weight', [channels]),
      bias: scope.parameter('bias', [channels]),
      runningMean: scope.buffer('running_mean', [channels]),
      runningVariance: scope.buffer('running_var', [channels]),
      batches: scope.buffer('num_batches_tracked', [], int64),
    };
  }

  conv1d(name: string, inChannels: number, outChannels: number, options: ConvolutionOptions): Convolution {
    return this.convolution(name, [inChannels, outChannels], options, 1);
  }

  conv2d(name: string, inChannels: number, outChannels: number, options: ConvolutionOptions): Convolution {
    return this.convolution(name, [inChannels, outChannels], options, 2);
  }

  conv3d(name: string, inChannels: number, outChannels: number, options: ConvolutionOptions): Convolution {
    return this.convolution(name, [inChannels, outChannels], options, 3);
  }

  private convolution(
    name: string,
    [inChannels, outChannels]: readonly [number, number],
    options: ConvolutionOptions,
    dimensions: number,
  ): Convolution {
    const scope = this.child(name);
    const kernel = along(options.kernel, dimensions);
    const groups = options.groups ?? 1;
    return {
      weight: scope.parameter('weight', [outChannels, inChannels / groups, ...kernel]),
      bias: (options.bias ?? true) ? scope.parameter('bias', [outChannels]) : null,
      kernel,
      stride: along(options.stride ?? 1, dimensions),
      padding: along(options.padding ?? 0, dimensions),
      dilation: options.dilation ?? 1,
      groups,
    };
  }

  /** `nn.ConvTranspose2d`: the weight is stored as [in, out / groups, ...]. */
  convTranspose2d(name: string, inChannels: number, outChannels: number, options: ConvolutionOptions): Convolution {
    const { bias = true, groups = 1 } = options;
    const layer = this.conv2d(name, outChannels, inChannels, { ...options, bias: false });
    const scope = this.children[this.children.length - 1]!;
    return { ...layer, groups, bias: bias ? scope.parameter('bias', [outChannels]) : null };
  }

  recurrent(name: string, options: Omit<Recurrent, 'weights'>): Recurrent {
    const scope = this.child(name);
    const { cell, inFeatures, hidden, layers, directions } = options;
    const rows = (cell === 'lstm' ? 4 : 3) * hidden;
    const weights = Array.from({ length: layers * directions }, (_, i) => {
      const layer = Math.floor(i / directions);
      const suffix = `l${layer}${i % directions === 1 ? '_reverse' : ''}`;
      const width = layer === 0 ? inFeatures : hidden * directions;
      return [
        scope.parameter(`weight_ih_${suffix}`, [rows, width]),
        scope.parameter(`weight_hh_${suffix}`, [rows, hidden]),
        scope.parameter(`bias_ih_${suffix}`, [rows]),
        scope.parameter(`bias_hh_${suffix}`, [rows]),
      ];
    });
    return { ...options, weights: weights.flat() };
  }

  private biasOf(width: number, wanted = true): Parameter | null {
    return wanted ? this.parameter('bias', [width]) : null;
  }

  private pathOf(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`;
  }
}

export interface LinearOptions {
  bias?: boolean;
  transposed?: boolean;
  castAnew?: boolean;
  parts?: readonly LinearPart[];
  tiedTo?: Parameter;
  biasTiedTo?: Parameter;
}

/** Numbers parameters and buffers of a complete tree and returns them in `model.parameters()` order, each once. */
export function numberTree(root: Scope): { parameters: Parameter[]; buffers: Buffer[] } {
  const parameters: Parameter[] = [];
  const buffers: Buffer[] = [];
  const visit = (scope: Scope): void => {
    for (const parameter of scope.parameters) {
      if (parameter.index >= 0) continue;
      parameter.index = parameters.length;
      parameters.push(parameter);
    }
    for (const buffer of scope.buffers) {
      buffer.index = buffers.length;
      buffers.push(buffer);
    }
    scope.children.forEach(visit);
  };
  visit(root);
  return { parameters, buffers };
}
