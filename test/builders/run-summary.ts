import { RUN_FIELDS, settingAt } from '../../src/run/fields.js';
import type { Setting } from '../../src/run/setting.js';
import type { RunField, TrainingRun } from '../../src/run/training-run.js';
import type { RunReading } from '../../src/launch/reading.js';

/** Where a value came from, in few words. */
function cameFrom({ evidence, range }: Setting<unknown>): string {
  const span = range === undefined ? '' : `, ${JSON.stringify(range.low)} to ${JSON.stringify(range.high)}`;
  if (evidence.kind === 'read' || evidence.kind === 'declared') {
    const { document, path, text } = evidence.place;
    const where = document === 'manifest' ? path : document + (path === '' ? '' : ` ${path}`);
    return `${evidence.kind} ${where} «${text.slice(0, 80)}»`;
  }
  if (evidence.kind === 'default') return `default of ${evidence.of} ${evidence.version ?? ''}`.trim();
  return evidence.kind === 'assumed' ? `assumed${span}: ${evidence.reason}` : `derived: ${evidence.rule}`;
}

/** Defaults of PyTorch itself say nothing that a reviewer has to check. */
const isPlain = ({ evidence }: Setting<unknown>): boolean => evidence.kind === 'default' && evidence.of === 'torch';

const valueOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

function settingsOf(run: TrainingRun): Record<string, string> {
  const told = RUN_FIELDS.filter((field: RunField) => !isPlain(settingAt(run, field)));
  return Object.fromEntries(
    told.map((field) => {
      const setting = settingAt(run, field);
      return [field, `${valueOf(setting.value)} | ${cameFrom(setting)}`];
    }),
  );
}

/** A reading for people to review: each setting that is not PyTorch's own default with where it came from. */
export function summaryOf({ podSet, training, role, run, unknown, notes }: RunReading): unknown {
  return {
    podSet,
    ...(role === 'model' ? {} : { role }),
    ...(training ? {} : { training }),
    settings: run === null ? null : settingsOf(run),
    unknown: unknown.map(({ field, reason, declare }) => `${field}: ${reason}${declare ? ` → ${declare}` : ''}`),
    notes,
  };
}
