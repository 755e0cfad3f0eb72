import type { DType } from '../../model/dtype.js';
import type { Linear, LinearPart, Scope, Shape } from '../../model/module-tree.js';
import type { RunValues } from '../../run/training-run.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import { add, dropout, mul, to, unary } from '../operations/elementwise.js';
import { linear } from '../operations/matrix.js';
import { UNARY } from '../operations/unary.js';
import { mergedProduct } from './merged-product.js';

/** The two low-rank factors beside a linear layer; for a merged layer the factors of its adapted parts, one below another. */
export interface LoraAdapter {
  down: EngineTensor;
  up: EngineTensor;
  downLayer: Linear;
  upLayer: Linear;
  dropout: number;
  /** Output widths of the adapted parts, where the layer is merged. */
  parts: readonly number[] | null;
  /** DoRA's length of each row of the weight. */
  magnitude: EngineTensor | null;
}

/** Ends of module names that peft adapts where no targets are given (peft/utils/constants.py). */
const DEFAULT_TARGETS: readonly string[] = [
  'q_proj',
  'v_proj',
  'c_attn',
  'query',
  'value',
  'query_key_value',
  'qkv_proj',
  'Wqkv',
  'q_lin',
  'v_lin',
  'q',
  'v',
];

/** Output layers, which `all-linear` leaves out. */
const OUTPUT_LAYERS: ReadonlySet<string> = new Set(['lm_head', 'embed_out', 'score', 'classifier', 'decoder', 'head']);

const lastName = (path: string): string => path.slice(path.lastIndexOf('.') + 1);
const endsWith = (path: string, name: string): boolean => path === name || path.endsWith(`.${name}`);

/** Whether a linear layer is the model's output layer, which neither `all-linear` nor quantisation touches. */
export const isOutputLayer = ({ path }: Linear): boolean => OUTPUT_LAYERS.has(lastName(path));

type Targets = RunValues['peft']['targetModules'];

const isNamed = (path: string, targets: readonly string[]): boolean => targets.some((target) => endsWith(path, target));

/** Whether an adapter is put on a linear layer, or on one of the layers that it does the work of. */
export function isTargeted(layer: Linear, targets: Targets): boolean {
  if (targets === 'all-linear') return !isOutputLayer(layer);
  return isNamed(layer.path, targets ?? DEFAULT_TARGETS) || targetedParts(layer, targets).length > 0;
}

/** The parts of a merged layer that are adapted. */
function targetedParts({ parts = [] }: Linear, targets: Targets): readonly LinearPart[] {
  if (targets === 'all-linear') return parts;
  return parts.filter(({ name }) => isNamed(name, targets ?? DEFAULT_TARGETS));
}

/** Rank that peft takes where none is given. */
const DEFAULT_RANK = 8;

/** Places a parameter of a shape and type under a path. */
export type PlaceParameter = (shape: Shape, path: string, dtype: DType) => EngineTensor;

/**
 * Places the factors of the scope's linear layer, where it is one that is adapted. peft has them in fp32 whatever the
 * model's type (autocast_adapter_dtype), programs with adapters of their own in the model's.
 */
export function placeLora(
  place: PlaceParameter,
  scope: Scope,
  { peft, dtype }: { peft: RunValues['peft']; dtype: DType },
): LoraAdapter | null {
  const layer = scope.linearLayer;
  if (layer === null || !isTargeted(layer, peft.targetModules)) return null;
  const rank = peft.rank ?? DEFAULT_RANK;
  const factor = (inFeatures: number, outFeatures: number): [EngineTensor, Linear] => {
    const tensor = place([outFeatures, inFeatures], `${layer.path}.lora`, dtype);
    tensor.requiresGrad = true;
    return [tensor, { ...layer, inFeatures, outFeatures, bias: null, transposed: false }];
  };
  const parts = layer.parts ? targetedParts(layer, peft.targetModules).map(({ outFeatures }) => outFeatures) : null;
  const width = parts?.reduce((sum, size) => sum + size, 0) ?? layer.outFeatures;
  const [down, downLayer] = factor(layer.inFeatures, rank * (parts?.length ?? 1));
  const [up, upLayer] = factor(rank, width);
  const magnitude = placeMagnitude(place, layer, { peft, dtype });
  return { down, up, downLayer, upLayer, dropout: peft.dropout, parts, magnitude };
}

function placeMagnitude(
  place: PlaceParameter,
  layer: Linear,
  { peft, dtype }: { peft: RunValues['peft']; dtype: DType },
): EngineTensor | null {
  if (peft.method !== 'dora') return null;
  const magnitude = place([layer.outFeatures], `${layer.path}.magnitude`, dtype);
  magnitude.requiresGrad = true;
  return magnitude;
}

/** `lora.Linear.forward` of peft 0.21: base(x) + up(down(dropout(x))) * scaling, back to the base's type. */
export function loraLinear(
  engine: Engine,
  x: EngineTensor,
  adapter: LoraAdapter,
  base: (x: EngineTensor) => EngineTensor,
): EngineTensor {
  engine.enter([x]);
  const result = engine.keep(base(x));
  const input = engine.keep(to(engine, x, adapter.down.dtype));
  const inner = linear(engine, dropout(engine, input, adapter.dropout), adapter.downLayer, {
    weight: adapter.down,
    bias: null,
  });
  const outer =
    adapter.parts === null
      ? linear(engine, inner, adapter.upLayer, { weight: adapter.up, bias: null })
      : mergedProduct(engine, inner, adapter.up, result.shape);
  const scaled = unary(engine, outer, UNARY.mulScalar);
  const change = adapter.magnitude === null ? scaled : withMagnitude(engine, result, scaled, adapter);
  const sum = engine.rebind(result, add(engine, result, change));
  return engine.leave(to(engine, sum, result.dtype));
}

const NORM = operation('linalg_vector_norm');

/**
 * DoRA (peft/tuners/lora/dora.py): the product of both factors is made for the norm of the whole weight and let go;
 * base and low-rank results are multiplied by the learned lengths over the norms.
 */
function withMagnitude(engine: Engine, result: EngineTensor, scaled: EngineTensor, adapter: LoraAdapter): EngineTensor {
  const { inFeatures } = adapter.downLayer;
  const magnitude = adapter.magnitude!;
  const bytes = inFeatures * adapter.upLayer.outFeatures * magnitude.dtype.bytes;
  const whole = [bytes, bytes].map((size) => engine.scratch(size, NORM));
  for (const storage of whole) engine.discard(storage);
  const ratio = engine.keep(unary(engine, magnitude, UNARY.divScalar));
  const base = mul(engine, unary(engine, ratio, UNARY.addScalar), result);
  return add(engine, base, mul(engine, ratio, scaled));
}
