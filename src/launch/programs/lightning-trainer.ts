import { mergeSays } from '../launchers/peel.js';
import type { Said } from '../launchers/launcher.js';
import { saidCount } from '../launchers/launcher.js';
import type { OptionReader } from '../options/option-reader.js';
import type { ProgramContext } from './program.js';

const OF = { of: 'lightning' };

/** Strategies by name: sharding, and whether parameters or the optimizer live on the CPU. */
const STRATEGIES: Readonly<Record<string, readonly [string, ('parameters' | 'optimizer')?]>> = {
  ddp: ['ddp'],
  ddp_spawn: ['ddp'],
  ddp_find_unused_parameters_true: ['ddp'],
  fsdp: ['fsdp-full'],
  fsdp_cpu_offload: ['fsdp-full', 'parameters'],
  deepspeed: ['zero2'],
  deepspeed_stage_1: ['zero1'],
  deepspeed_stage_2: ['zero2'],
  deepspeed_stage_2_offload: ['zero2', 'optimizer'],
  deepspeed_stage_3: ['zero3'],
  deepspeed_stage_3_offload: ['zero3', 'parameters'],
};

const PRECISIONS = {
  '32': 'fp32',
  '32-true': 'fp32',
  '16': 'amp-fp16',
  '16-mixed': 'amp-fp16',
  bf16: 'amp-bf16',
  'bf16-mixed': 'amp-bf16',
  '16-true': 'fp16',
  'bf16-true': 'bf16',
  'transformer-engine': 'fp8',
} as const;

/**
 * Reads the arguments of Lightning's `Trainer` (lightning 2: pytorch/trainer/trainer.py), whose names begin with `prefix`:
 * precision, accumulation, clipping, strategy, and the processes that it starts where no launcher does.
 */
export function readLightningTrainer(reader: OptionReader, context: ProgramContext, prefix: '' | 'trainer.'): void {
  const { draft } = context;
  reader.choice('precision', PRECISIONS, `${prefix}precision`);
  draft.default('precision', 'fp32', OF);
  reader.count('gradientAccumulationSteps', `${prefix}accumulate_grad_batches`);
  const clipping = reader.options.find(`${prefix}gradient_clip_val`);
  if (clipping?.value != null) draft.read('gradientClipping', true, clipping.place);
  readStrategy(reader, prefix);
  readProcesses(reader, context, prefix);
}

function readStrategy(reader: OptionReader, prefix: string): void {
  const { draft } = reader;
  const found = reader.text('parallelism.sharding', `${prefix}strategy`, `${prefix}strategy.class_path`);
  const known = found && STRATEGIES[found.value];
  if (found && known) {
    draft.read('parallelism.sharding', known[0], found.place);
    if (known[1]) draft.read(`offload.${known[1]}`, true, found.place);
  } else if (found && found.value !== 'auto')
    draft.leaveOpen('parallelism.sharding', `the strategy ${found.value.slice(0, 60)} is not known here`);
}

/** Lightning starts its own processes on each node; `auto` and -1 are all visible devices. */
function readProcesses({ options }: OptionReader, context: ProgramContext, prefix: string): void {
  if (context.launchers.length > 0) return;
  const devices = options.find(`${prefix}devices`);
  const all: Said = { value: 'gpu', place: devices?.place ?? null };
  const nodes = saidCount(options.find(`${prefix}num_nodes`));
  context.says = mergeSays(context.says, { processesPerNode: saidCount(devices) ?? all, nodes });
}
