import type { Quantization, RunValues } from '../../run/training-run.js';
import { isBefore, versionOf } from '../device/versions.js';

/** How a run's libraries hold and multiply quantised weights. */
export interface QuantisedCode {
  format: Exclude<Quantization, 'none'>;
  /** Products keep their input although the weight needs no gradient. */
  keepsInput: boolean;
  /** They hold it by their context, past backward and until the graph is dropped. */
  holdsInput: boolean;
  /** The output layer is quantised, too. */
  includesHead: boolean;
}

/** Release from which on `MatMul4Bit` keeps its input no longer (bitsandbytes pull request 1270). */
const LETS_GO_OF_INPUTS = [0, 43, 2];

/** lightning's BitsandbytesPrecision replaces every linear layer; transformers and torchtune leave the head out. */
const QUANTISES_HEAD = /lit-?gpt|lightning/i;
/** torchao's NF4Tensor has its scales quantised in any case (torchao/dtypes/nf4tensor.py). */
const NESTED_SCALES = /torchtune/i;

/** null: weights are not quantised. */
export function quantisedCodeOf(run: RunValues): QuantisedCode | null {
  const { quantization, program, framework } = run;
  if (quantization === 'none') return null;
  const names = `${program?.name ?? ''} ${framework.name}`;
  const kept = keepsInput(run);
  const nested = quantization === 'nf4' && NESTED_SCALES.test(names);
  return {
    format: nested ? 'nf4-double' : quantization,
    keepsInput: kept && !nested,
    holdsInput: kept && !nested && run.activationCheckpointing === 'none',
    includesHead: QUANTISES_HEAD.test(names),
  };
}

/**
 * Older functions of bitsandbytes write what they keep into their context (`ctx.tensors = (A, B)`, autograd/_functions.py)
 * and not among the saved tensors, so that it is there until the loss is bound anew. Checkpointing lets the graph of each
 * block go, so that there is no more to it than what is saved.
 *
 * 8-bit products keep the input as it is, for the columns that are not quantised (MatMul8bitLt). */
function keepsInput(run: RunValues): boolean {
  if (run.quantization === 'int8') return run.task !== 'diffusion';
  const fourBit = ['nf4', 'nf4-double', 'fp4'].includes(run.quantization);
  return fourBit && isBefore(versionOf(run, 'bitsandbytes'), LETS_GO_OF_INPUTS);
}
