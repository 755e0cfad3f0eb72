import type { DType } from '../../model/dtype.js';
import type { RunValues, WeightType } from '../../run/training-run.js';

/** Programs with adapters of their own, which are made in the model's type (torchtune/modules/peft, litgpt/lora.py). */
const OWN_ADAPTERS = /torchtune|lit-?gpt/i;

/** Whether a program has adapters of its own, which are not peft's. */
export const hasOwnAdapters = ({ program, framework }: RunValues): boolean =>
  OWN_ADAPTERS.test(`${program?.name ?? ''} ${framework.name}`);

/** Type of an adapter's factors; peft has them in fp32 whatever the model's type, unless autocast_adapter_dtype is off. */
export function adapterTypeOf(
  values: RunValues,
  modelType: DType,
  kept: Readonly<Record<NonNullable<WeightType>, DType>>,
): DType {
  return hasOwnAdapters(values) ? modelType : kept[values.peft.weights ?? 'fp32'];
}

/** litgpt's `adapter_v2` gives every linear layer a scale and a bias (litgpt/adapter_v2.py). */
export const scalesAllLayers = ({ program, framework, peft }: RunValues): boolean =>
  peft.method === 'adapter' && /lit-?gpt/i.test(`${program?.name ?? ''} ${framework.name}`);
