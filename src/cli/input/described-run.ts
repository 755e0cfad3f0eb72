import { readFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';
import type { JsonObject } from '../../workload/workload.js';
import { CliError } from '../cli-error.js';

/** A run described by flags and, under them, by a file in the form of the annotation plimsoll.dev/run. */
export interface DescribedRun {
  run?: string;
  model?: string;
  task?: string;
  microBatch?: string;
  accumulation?: string;
  sequenceLength?: string;
  imageSize?: string;
  precision?: string;
  optimizer?: string;
  checkpointing?: string;
  attention?: string;
  sharding?: string;
  lora?: string;
  quantization?: string;
}

const LARGEST_RUN_BYTES = 65_536;

function fromFile(path: string | undefined): Record<string, unknown> {
  if (path === undefined) return {};
  const text = readText(path);
  const parsed: unknown = parse(text, { maxAliasCount: 10 });
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw new CliError(`${path} describes no run`, 'write fields such as model: meta-llama/Llama-3.1-8B');
  return parsed as Record<string, unknown>;
}

function readText(path: string): string {
  try {
    const text = readFileSync(path === '-' ? 0 : path, 'utf8');
    if (text.length <= LARGEST_RUN_BYTES) return text;
  } catch {
    throw new CliError(`${path} does not exist or cannot be read`, 'give a YAML file that describes the run');
  }
  throw new CliError(`${path} is larger than ${LARGEST_RUN_BYTES} characters`, 'a run has some dozens of fields');
}

function whole(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new CliError(`${option} ${text} is no whole number`, `write ${option} 8`);
  return Number(text);
}

function imageSizeOf(text: string | undefined): [number, number] | undefined {
  if (text === undefined) return undefined;
  const found = /^(\d{1,5})(?:x(\d{1,5}))?$/.exec(text);
  if (found === null) throw new CliError(`--image-size ${text} is not understood`, 'write 224 or 224x320');
  return [Number(found[1]), Number(found[2] ?? found[1])];
}

/** `adamw`, or `adamw:fused` with the implementation. */
function optimizerOf(text: string | undefined): Record<string, unknown> {
  const [name, implementation] = text?.split(':') ?? [];
  return { ...(name === undefined ? {} : { name }), ...(implementation === undefined ? {} : { implementation }) };
}

const withoutAbsent = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

const groupOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

/** The fields of the training run that flags and file say; flags win. Throws CliError. */
export function runFieldsOf(described: DescribedRun, devices: number): Record<string, unknown> {
  const file = fromFile(described.run);
  const rank = whole('--lora', described.lora);
  const fields = withoutAbsent({
    model: described.model,
    task: described.task,
    microBatchSize: whole('--micro-batch', described.microBatch),
    gradientAccumulationSteps: whole('--accumulation', described.accumulation),
    sequenceLength: whole('--sequence-length', described.sequenceLength),
    imageSize: imageSizeOf(described.imageSize),
    precision: described.precision,
    activationCheckpointing: described.checkpointing,
    attention: described.attention,
    quantization: described.quantization,
  });
  return withoutAbsent({
    ...file,
    ...fields,
    processesPerNode: file.processesPerNode ?? devices,
    optimizer: { ...groupOf(file.optimizer), ...optimizerOf(described.optimizer) },
    peft: { ...groupOf(file.peft), ...(rank === undefined ? {} : { method: 'lora', rank }) },
    parallelism: {
      ...groupOf(file.parallelism),
      ...(described.sharding === undefined ? {} : { sharding: described.sharding }),
    },
  });
}

/** A pod that declares the run and asks for the devices: the same way through as any manifest. */
export function manifestOfRun(fields: Record<string, unknown>, devices: number): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'described', annotations: { 'plimsoll.dev/run': stringify(fields) } },
    spec: {
      containers: [
        { name: 'train', command: ['python', 'train.py'], resources: { limits: { 'nvidia.com/gpu': devices } } },
      ],
    },
  };
}
