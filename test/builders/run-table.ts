import type { RunReading } from '../../src/launch/reading.js';
import { settingAt } from '../../src/run/fields.js';
import type { RunField, TrainingRun } from '../../src/run/training-run.js';
import type { PodSet } from '../../src/workload/workload.js';
import type { ManifestRuns } from './manifest-runs.js';

/** A value with `~` where it is only assumed and `*` where it is a default. */
function told(run: TrainingRun, field: RunField, shown: (value: never) => string = String): string {
  const { value, evidence } = settingAt(run, field);
  if (value === null) return '–';
  const mark = evidence.kind === 'assumed' ? '~' : evidence.kind === 'default' ? '*' : '';
  return `${shown(value as never)}${mark}`;
}

const modelOf = (run: TrainingRun): string =>
  told(run, 'model', ({ name, config }: { name: string; config: Record<string, unknown> | null }) =>
    config === null ? name : `${name} (${String(config['num_hidden_layers'] ?? config['n_layer'])} layers)`,
  );

const sizeOf = (run: TrainingRun): string =>
  run.sequenceLength.value === null
    ? told(run, 'imageSize', (size: readonly number[]) => size.join('×'))
    : `${told(run, 'sequenceLength')} tokens`;

function cellsOf({ run, training, notes }: RunReading): string[] {
  if (run === null) return [training ? 'not known' : (notes[0] ?? 'does not train'), '', '', '', '', '', ''];
  const batch = `${told(run, 'microBatchSize')} × ${told(run, 'gradientAccumulationSteps')}`;
  const optimizer = `${told(run, 'optimizer.name')} ${told(run, 'optimizer.implementation')}`;
  const name = run.program.value?.name ?? 'not known';
  return [name, modelOf(run), batch, sizeOf(run), told(run, 'precision'), optimizer, told(run, 'parallelism.sharding')];
}

function gpusOf({ replicas, replicasUnresolved, devices }: PodSet): string {
  const pods = replicasUnresolved.length > 0 ? `${replicas}~` : String(replicas);
  return devices
    .map(({ count, resource, unresolved }) => `${pods} pods × ${count}${unresolved ? '~' : ''} ${resource}`)
    .join(', ');
}

const unknownOf = ({ unknown }: RunReading): string =>
  unknown.map(({ field, reason }) => `${field}: ${reason}`).join('; ');

const escaped = (cell: string): string => cell.replaceAll('|', '\\|');

/** Rows of a table on one file, one for each pod set that holds devices; one that says so where none does. */
export function runRows(file: string, workloads: readonly ManifestRuns[]): string[] {
  const rows = workloads.flatMap(({ workload, runs }) =>
    runs.map((reading) => {
      const podSet = workload.podSets.find(({ name }) => name === reading.podSet);
      const cells = [
        file,
        workload.reference.kind,
        ...cellsOf(reading),
        podSet ? gpusOf(podSet) : '',
        unknownOf(reading),
      ];
      return `| ${cells.map(escaped).join(' | ')} |`;
    }),
  );
  const kinds = workloads.map(({ workload }) => workload.reference.kind).join(', ');
  return rows.length > 0 ? rows : [`| ${file} | ${kinds} | asks for no GPU | | | | | | | | |`];
}

/** The heading of that table. */
export const RUN_TABLE_HEAD: readonly string[] = [
  '| manifest | kind | program | model | micro-batch × accumulation | length or image | precision | optimizer | sharding | GPUs | unknown, and why |',
  '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
];
