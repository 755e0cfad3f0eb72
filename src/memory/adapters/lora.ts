import type { DType } from '../../model/dtype.js';
import type { Linear, Scope, Shape } from '../../model/module-tree.js';
import type { RunValues } from '../../run/training-run.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor } from '../autograd/graph.js';
import { add, dropout, to, unary } from '../operations/elementwise.js';
import { linear } from '../operations/matrix.js';
import { UNARY } from '../operations/unary.js';

/** The two low-rank factors beside a linear layer: fp32 whatever the model's type, unless peft's autocast_adapter_dtype is off. */
export interface LoraAdapter {
  down: EngineTensor;
  up: EngineTensor;
  downLayer: Linear;
  upLayer: Linear;
  dropout: number;
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

/** Whether peft puts an adapter on a linear layer. */
export function isTargeted(layer: Linear, targets: RunValues['peft']['targetModules']): boolean {
  if (targets === 'all-linear') return !isOutputLayer(layer);
  return (targets ?? DEFAULT_TARGETS).some((target) => endsWith(layer.path, target));
}

/** Rank that peft takes where none is given. */
const DEFAULT_RANK = 8;

/** Places a parameter of a shape and type under a path. */
export type PlaceParameter = (shape: Shape, path: string, dtype: DType) => EngineTensor;

/** How and in which type the factors are placed. */
export interface FactorPlacement {
  place: PlaceParameter;
  dtype: DType;
}

/** Places the factors of the scope's linear layer, where it is one that is adapted. */
export function placeLora(
  { place, dtype }: FactorPlacement,
  scope: Scope,
  peft: RunValues['peft'],
): LoraAdapter | null {
  const layer = scope.linearLayer;
  if (layer === null || !isTargeted(layer, peft.targetModules)) return null;
  const rank = peft.rank ?? DEFAULT_RANK;
  const factor = (inFeatures: number, outFeatures: number): [EngineTensor, Linear] => {
    const tensor = place([outFeatures, inFeatures], `${layer.path}.lora`, dtype);
    tensor.requiresGrad = true;
    return [tensor, { ...layer, inFeatures, outFeatures, bias: null, transposed: false }];
  };
  const [down, downLayer] = factor(layer.inFeatures, rank);
  const [up, upLayer] = factor(rank, layer.outFeatures);
  return { down, up, downLayer, upLayer, dropout: peft.dropout };
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
  const outer = linear(engine, inner, adapter.upLayer, { weight: adapter.up, bias: null });
  const sum = engine.rebind(result, add(engine, result, unary(engine, outer, UNARY.mulScalar)));
  return engine.leave(to(engine, sum, result.dtype));
}
