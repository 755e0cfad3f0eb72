import type { Assessment, DeviceClassFit } from '../fit/assessment.js';
import { largest } from '../fit/advice/largest.js';
import type { Largest, OtherModel, Scale } from '../fit/advice/largest.js';
import type { EstimateRun } from '../fit/workload-fit.js';
import type { DeviceRuns, RoleRun } from '../run/device-runs.js';
import type { TrainingRun } from '../run/training-run.js';
import type { ObjectReference } from '../workload/workload.js';
import type { Advisor } from './advisor.js';
import type { Facts } from './facts.js';

/** What was found for one run on one device class. */
export interface FoundLargest {
  podSet: string;
  device: string;
  capacityBytes: number;
  scale: Scale;
  largest: Largest | string;
}

/** The same for all runs of a workload. */
export interface WorkloadLargest {
  workload: Pick<ObjectReference, 'apiVersion' | 'kind' | 'namespace' | 'name'>;
  found: readonly FoundLargest[];
}

/** The advisor that estimates, and the facts that it was made from. */
export interface Knowing {
  advisor: Advisor;
  facts: Facts;
}

/** Models of the same `model_type` and organisation as the run's own, by parameters. */
function familyOf({ model }: TrainingRun, { models }: Facts): OtherModel[] {
  const row = model.value === null || model.value.config !== null ? null : models.find(model.value.name).row;
  if (row === null) return [];
  const organisation = (id: string): string => id.split('/')[0] ?? '';
  return models.rows
    .filter((other) => other.modelType === row.modelType && organisation(other.id) === organisation(row.id))
    .flatMap(({ id, params }) => (params === null ? [] : [{ name: id, parameters: params }]))
    .sort((a, b) => a.parameters - b.parameters || (a.name < b.name ? -1 : 1));
}

/** Learned positions are a table of so many rows; rotary ones were trained up to so many. */
function positionsOf({ model }: TrainingRun, { models }: Facts): number | null {
  const config = model.value?.config ?? (model.value === null ? null : models.find(model.value.name).row?.config) ?? {};
  const known = [config['max_position_embeddings'], config['n_positions']].find((value) => typeof value === 'number');
  return known ?? null;
}

/**
 * The largest of something that still fits, for each run that was read, on each device class that its pods may get. Where
 * several runs share a device, the trained one grows and the others stay as they are.
 */
export function largestOf({ runs, fit }: Assessment, scale: Scale, { advisor, facts }: Knowing): FoundLargest[] {
  const readable = runs.flatMap(({ podSet, role, settings, training }) =>
    settings === null || !training ? [] : [{ podSet, role, run: settings }],
  );
  return [...new Set(readable.map(({ podSet }) => podSet))].flatMap((podSet) => {
    const [grown, ...others]: RoleRun[] = readable.filter((one) => one.podSet === podSet);
    if (grown === undefined) return [];
    const estimate = estimateBeside(others, grown.role, advisor);
    const classes = fit.find((each) => each.podSet === podSet)?.classes ?? [];
    return classes.map((row): FoundLargest => {
      const capacityBytes = row.capacityBytes.smallest;
      const [family, positions] = [familyOf(grown.run, facts), positionsOf(grown.run, facts)];
      const question = { scale, run: grown.run, capacityBytes, family, positions };
      const found = largest({ ...question, device: advisor.traitsOf(modelOf(row)), estimate });
      return { podSet, device: row.deviceClass, capacityBytes, scale, largest: found };
    });
  });
}

/** Estimates a run beside others: the figure is that of all together. */
function estimateBeside(others: DeviceRuns, role: string, advisor: Advisor): EstimateRun {
  if (others.length === 0) return (run, device) => advisor.estimate(run, device);
  return (run, device) => {
    const outcome = advisor.estimateTogether([{ role, run }, ...others], device);
    return 'unknown' in outcome ? outcome : { estimate: outcome.together };
  };
}

/** The class without its MIG profile and sharing, as the catalog of GPUs names it. */
const modelOf = ({ deviceClass }: DeviceClassFit): string => deviceClass.replace(/ MIG .*$|, shared by .*$/, '');
