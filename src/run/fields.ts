import type { Setting } from './setting.js';
import type { RunField, RunGroup, RunValues, TrainingRun } from './training-run.js';
import { runValuesSchema } from './training-run.js';

const GROUPS: readonly RunGroup[] = ['optimizer', 'peft', 'parallelism', 'offload', 'trainingStep', 'sharing'];

type AnySetting = Setting<unknown>;
type SettingTree = Record<string, AnySetting | Record<string, AnySetting>>;

const isGroup = (key: string): key is RunGroup => (GROUPS as readonly string[]).includes(key);

/** Every settable field path, in the order of the schema. */
export const RUN_FIELDS: readonly RunField[] = Object.entries(runValuesSchema.shape).flatMap(([key, schema]) =>
  isGroup(key) && 'shape' in schema ? Object.keys(schema.shape).map((member) => `${key}.${member}`) : [key],
) as RunField[];

/** The setting at a field path. */
export function settingAt(run: TrainingRun, field: RunField): AnySetting {
  const [key = '', member] = field.split('.');
  const node = (run as unknown as SettingTree)[key];
  const setting = member === undefined ? node : (node as Record<string, AnySetting> | undefined)?.[member];
  if (setting === undefined) throw new Error(`training run has no field ${field}`);
  return setting as AnySetting;
}

/** A copy of the run with the setting at `field` replaced; the original is untouched. */
export function withSetting(run: TrainingRun, field: RunField, setting: AnySetting): TrainingRun {
  const [key = '', member] = field.split('.');
  const tree = run as unknown as SettingTree;
  const next = member === undefined ? setting : { ...(tree[key] as Record<string, AnySetting>), [member]: setting };
  return { ...tree, [key]: next } as unknown as TrainingRun;
}

/** The plain values of a run, without evidence: what the memory engine computes on. */
export function valuesOf(run: TrainingRun): RunValues {
  const values: Record<string, unknown> = {};
  for (const [key, node] of Object.entries(run as unknown as SettingTree)) {
    values[key] = isGroup(key)
      ? Object.fromEntries(Object.entries(node as Record<string, AnySetting>).map(([m, s]) => [m, s.value]))
      : (node as AnySetting).value;
  }
  return values as RunValues;
}
