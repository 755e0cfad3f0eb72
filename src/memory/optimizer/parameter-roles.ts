import type { Architecture } from '../../model/definition.js';
import type { RunValues } from '../../run/training-run.js';
import { isOutputLayer } from '../adapters/lora.js';
import type { EngineTensor } from '../autograd/graph.js';
import type { ParameterRoles } from './optimizers.js';

/** Names of tables that are looked up by index. */
const TABLE = /(^|[._])(embed|wte|wpe|shared|token_type|position)/;

/** Roles of parameters by their place in the model. */
export function parameterRoles(
  { parameters, root }: Architecture,
  tensors: readonly EngineTensor[],
  { trainingStep }: RunValues,
): ParameterRoles {
  const tables = new Set(
    parameters.filter(({ path, shape }) => shape.length === 2 && TABLE.test(path)).map(({ index }) => tensors[index]!),
  );
  const heads = new Set(root.linears.filter(isOutputLayer).map(({ weight }) => tensors[weight.index]!));
  return {
    isHidden: (tensor) => !tables.has(tensor) && !heads.has(tensor),
    keepsFullPrecision: (tensor) => trainingStep.fullPrecisionEmbeddings && tables.has(tensor),
  };
}
