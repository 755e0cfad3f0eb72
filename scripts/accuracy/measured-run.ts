import { readFileSync } from 'node:fs';

/** A measured training run, in the format of a record of `measured/runs.json`. */
export interface MeasuredRun {
  id: string;
  source: string;
  source_rev: string | null;
  family: string;
  model: string;
  task: string;
  framework: string;
  framework_version: string | null;
  date: string | null;
  gpu: string | null;
  gpus: number | null;
  parallelism: {
    dp?: number | null;
    tp?: number | null;
    pp?: number | null;
    cp?: number | null;
    ep?: number | null;
    zero_stage?: number | null;
    fsdp?: string | null;
    sp?: boolean | null;
  };
  precision: string | null;
  optimizer: string | null;
  micro_batch_size: number | null;
  grad_accum: number | null;
  seq_len: number | null;
  image_size: readonly (number | readonly number[])[] | null;
  image_size_kind: string | null;
  activation_checkpointing: string | null;
  peft: { type?: string | null; rank?: number | null; target_modules?: string | readonly string[] | null } | null;
  compile: boolean | string | null;
  attention: string | null;
  measured_gib: number;
  measure: string;
  quality: string;
  command_or_config?: string | null;
  notes?: string | null;
  memory_options: readonly string[] | null;
  core: boolean;
}

/** The records of a file: a JSON array. */
export function readMeasuredRuns(file: string): readonly MeasuredRun[] {
  const records: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (!Array.isArray(records)) throw new Error(`${file} does not hold a JSON array of runs`);
  return records as MeasuredRun[];
}

/** Which of the three figures a reading is to be held against; null: it is a bound, not a peak. */
export function comparedFigure(measure: string): 'allocated' | 'reserved' | 'device' | null {
  if (/bound|rule-of-thumb/.test(measure)) return null;
  if (/max_memory_allocated|max_memory_active/.test(measure)) return 'allocated';
  if (/nvidia-smi/.test(measure)) return 'device';
  return 'reserved';
}
