import type { RunField } from '../run/training-run.js';
import { isFieldValue } from './field-schemas.js';
import type { Evidence, Setting, SourcePlace, Unknown } from '../run/setting.js';

type AnySetting = Setting<unknown>;

/** What a person can write into `plimsoll.dev/run` for fields that are often left open. */
const EXAMPLES: Readonly<Record<string, string>> = {
  model: 'model: meta-llama/Llama-3.1-8B',
  microBatchSize: 'microBatchSize: 4',
  globalBatchSize: 'globalBatchSize: 256',
  gradientAccumulationSteps: 'gradientAccumulationSteps: 4',
  sequenceLength: 'sequenceLength: 2048',
  imageSize: 'imageSize: [224, 224]',
  precision: 'precision: amp-bf16',
  'optimizer.name': 'optimizer: {name: adamw}',
  activationCheckpointing: 'activationCheckpointing: full',
  quantization: 'quantization: nf4',
  'peft.method': 'peft: {method: lora, rank: 16}',
  'peft.rank': 'peft: {rank: 16}',
  'parallelism.sharding': 'parallelism: {sharding: fsdp-full}',
  'parallelism.tensor': 'parallelism: {tensor: 1}',
  'parallelism.pipeline': 'parallelism: {pipeline: 1}',
  'parallelism.context': 'parallelism: {context: 1}',
};

const shown = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 80);

/**
 * A training run while it is being read: fields with their evidence, what was left open, and words for people. The
 * first word on a field stays; so declarations come first, then what was read, then defaults.
 */
export class RunDraft {
  readonly settings = new Map<RunField, AnySetting>();
  readonly notes: string[] = [];
  /** Further runs on the same device, by role. */
  readonly besides = new Map<string, RunDraft>();
  /** What this run is among several on the device; `model` where it is alone. */
  role = 'model';
  private readonly open = new Map<string, Unknown>();

  /** The draft of a further run on the same device (src/run/device-runs.ts); what it does not say is as in this one. */
  beside(role: string): RunDraft {
    const known = this.besides.get(role);
    if (known !== undefined) return known;
    const draft = new RunDraft();
    draft.role = role;
    this.besides.set(role, draft);
    return draft;
  }

  has(field: RunField): boolean {
    return this.settings.has(field);
  }

  value(field: RunField): unknown {
    return this.settings.get(field)?.value;
  }

  set(field: RunField, setting: AnySetting): void {
    if (this.settings.has(field)) return;
    if (isFieldValue(field, setting.value)) this.settings.set(field, setting);
    else this.note(`${field}: ${shown(setting.value)} is no value that it can have`);
  }

  read(field: RunField, value: unknown, place: SourcePlace | null): void {
    const evidence: Evidence =
      place === null
        ? { kind: 'derived', from: [], rule: 'given by the operator or the launcher' }
        : { kind: 'read', place };
    this.set(field, { value, evidence });
  }

  /** The framework's or program's own default; `version` null where it is not known and does not matter. */
  default(field: RunField, value: unknown, from: { of: string; version?: string | null; note?: string }): void {
    const { of, version = null, note } = from;
    this.set(field, { value, evidence: { kind: 'default', of, version, ...(note === undefined ? {} : { note }) } });
  }

  assume(field: RunField, value: unknown, reason: string, range?: { low: unknown; high: unknown }): void {
    this.set(field, { value, evidence: { kind: 'assumed', reason }, ...(range ? { range } : {}) });
  }

  derive(field: RunField, value: unknown, from: readonly string[], rule: string): void {
    this.set(field, { value, evidence: { kind: 'derived', from, rule } });
  }

  /** A field that something in the manifest decides, but not in a way that can be read here. */
  leaveOpen(field: string, reason: string, declare: string | undefined = EXAMPLES[field]): void {
    if (this.open.has(field)) return;
    this.open.set(field, { field, reason, ...(declare === undefined ? {} : { declare }) });
  }

  isOpen(field: string): boolean {
    return this.open.has(field);
  }

  reasonOpen(field: string): string | undefined {
    return this.open.get(field)?.reason;
  }

  /** Fields that stay unknown: what is settled in another way is no longer open. */
  unknown(): Unknown[] {
    return [...this.open.values()];
  }

  close(field: string): void {
    this.open.delete(field);
  }

  note(text: string): void {
    if (this.notes.length < 50 && !this.notes.includes(text)) this.notes.push(text);
  }
}
