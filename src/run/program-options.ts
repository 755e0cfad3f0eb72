import type { RunField, TrainingRun } from './training-run.js';

/** How a program is told one thing. */
export interface Written {
  /** `--gradient_checkpointing`, `gradient_checkpointing`, `PYTORCH_CUDA_ALLOC_CONF`, ... */
  option: string;
  value: string;
  /** `argument`: `--a 1`; `joined`: `--a=1`; `key`: `a: 1` in its file; `override`: `a=1`; `environment`: `A=1`. */
  style: 'argument' | 'joined' | 'key' | 'override' | 'environment';
}

/** Values that are told a program together, by field. */
export type Told = Readonly<Partial<Record<RunField, unknown>>>;

/** A value as the program is told it, with the others that it is told; null where the program has no word for it. */
export type OptionWriter = (value: unknown, run: TrainingRun, others: Told) => Written | null;

/** How a training program is told what its manifest does not say yet, field by field. What is missing cannot be told. */
export interface ProgramOptions {
  /** Where the options were read. */
  source: string;
  /** A person's own script around a library: what has no option can be written in its code. */
  isOwnScript?: boolean;
  /** Its batch option counts all processes of a node, unless a launcher starts each by itself. */
  batchIsPerNode?: boolean;
  writers: Readonly<Partial<Record<RunField, OptionWriter>>>;
  /** What its adapters are where it is not told; no dropout and all linear layers where left out. */
  adapters?: { dropout: number; targetModules: 'all-linear' | null };
  /** What else becomes of the run when the program is told a value; nothing where left out. */
  follows?: (field: RunField, value: unknown, run: TrainingRun) => readonly { field: RunField; value: unknown }[];
}

const asText = (value: unknown): string => (Array.isArray(value) ? value.join(' ') : String(value));

/** An option that takes the value as it is. */
export function plain(option: string, style: Written['style'] = 'argument'): OptionWriter {
  return (value) => ({ option, value: asText(value), style });
}

/** An option that takes one of the program's own words, by the run's words; `''` is a flag without a value. */
export function worded(
  option: string,
  words: Readonly<Record<string, string>>,
  style: Written['style'] = 'argument',
): OptionWriter {
  return (value) => {
    const word = words[asText(value)];
    return word === undefined ? null : { option, value: word, style };
  };
}

/** An option that counts what each of all ranks takes together. */
export function overAllRanks(option: string, style: Written['style'] = 'argument'): OptionWriter {
  return (value, run, others) => {
    const ranks = Number(others.worldSize ?? run.worldSize.value);
    return { option, value: asText(Number(value) * ranks), style };
  };
}

/** An option that takes one side of a square image. */
export function side(option: string, style: Written['style'] = 'argument'): OptionWriter {
  return (value) => ({ option, value: asText(Array.isArray(value) ? value[0] : value), style });
}

/** Words of options that only turn something on. */
export const ON: Readonly<Record<string, string>> = { full: 'true', 'fused-linear': 'true', lora: 'true', nf4: 'true' };
