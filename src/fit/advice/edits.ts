import { withDerived } from '../../run/derived.js';
import { isInherited } from '../../run/device-runs.js';
import { withSetting } from '../../run/fields.js';
import type { RunField, TrainingRun } from '../../run/training-run.js';
import type { DeviceRequest, NodeRequirement, Placement, PodSet } from '../../workload/workload.js';
import { DEVICE_LABELS } from '../affinity.js';
import type { Edit } from './proposal.js';

type RunEdit = Extract<Edit, { field: RunField }>;

/** Whether an edit changes a setting of the run. */
export function isRunEdit(edit: Edit): edit is RunEdit {
  return !['request.devices', 'request.resource', 'placement.affinity'].includes(edit.field);
}

/** The run with the settings of a proposal; their evidence says that they are proposed. */
export function editedRun(run: TrainingRun, edits: readonly Edit[]): TrainingRun {
  return edits.filter(isRunEdit).reduce((edited, { field, value }) => {
    const evidence = { kind: 'derived', from: [field], rule: 'proposed' } as const;
    return withSetting(edited, field, { value, evidence });
  }, run);
}

/** How many processes there are, which all runs on a device have in common. */
const countsProcesses = ({ field }: Edit): boolean => field === 'nodes' || field === 'processesPerNode';

/** What follows in a further run from what was changed in the trained one. */
function consequences(run: TrainingRun, edits: readonly Edit[]): Edit[] {
  const value = (field: RunField): unknown => edits.find((edit) => edit.field === field)?.value;
  const { process, borrowsWeights } = run.sharing;
  // A frozen copy of the policy is the policy itself, once that trains adapters which can be turned off.
  if (value('peft.method') !== undefined && isCopyOfPolicy(run))
    return [{ field: 'sharing.borrowsWeights', value: true }];
  // What generates in the policy's process needs whole weights, which sharded ones have to be gathered for.
  const generates = run.activity.value === 'generate' && process.value === 'common' && borrowsWeights.value;
  const sharding = value('parallelism.sharding');
  const isSharded = typeof sharding === 'string' && /^(?:zero3|fsdp)/.test(sharding);
  return generates && isSharded ? [{ field: 'sharing.borrowsWeights', value: false }] : [];
}

const isCopyOfPolicy = ({ activity, task, sharing }: TrainingRun): boolean =>
  activity.value === 'forward' && task.value === 'causal-lm' && sharing.process.value === 'common';

/**
 * A run beside the one that a proposal changes: changed where it has the setting of the trained one, as when it was read
 * of the same option; what follows from counts and batch is worked out anew.
 */
export function editedBeside(run: TrainingRun, trained: TrainingRun, edits: readonly Edit[]): TrainingRun {
  const own = edits.filter(
    (edit) => isRunEdit(edit) && (countsProcesses(edit) || isInherited(edit.field, run, trained)),
  );
  const changed = [...own, ...consequences(run, edits)];
  return changed.length === 0 ? run : withDerived(editedRun(run, changed));
}

const isDeviceLabel = (key: string): boolean => (DEVICE_LABELS as readonly string[]).includes(key);

/** Whether a placement already says which devices it wants. */
export function choosesDevices({ nodeName, nodeSelector, requiredNodeTerms }: Placement): boolean {
  const keys = (requiredNodeTerms ?? []).flatMap((term) => term.labels.map((requirement) => requirement.key));
  return nodeName !== null || [...Object.keys(nodeSelector), ...keys].some(isDeviceLabel);
}

/** The placement without its choice of devices; everything else that it asks for stays. */
export function withoutDeviceChoice(placement: Placement): Placement {
  const terms = (placement.requiredNodeTerms ?? []).map((term) => ({
    ...term,
    labels: term.labels.filter(({ key }) => !isDeviceLabel(key)),
  }));
  const unbound =
    placement.requiredNodeTerms === null || terms.some((term) => term.labels.length + term.fields.length === 0);
  const selector = Object.entries(placement.nodeSelector).filter(([key]) => !isDeviceLabel(key));
  return { ...placement, nodeSelector: Object.fromEntries(selector), requiredNodeTerms: unbound ? null : terms };
}

/** The placement with a new choice of devices in place of the old one. */
function withAffinity(placement: Placement, requirement: NodeRequirement): Placement {
  const free = withoutDeviceChoice(placement);
  const terms = free.requiredNodeTerms ?? [{ labels: [], fields: [] }];
  return { ...free, requiredNodeTerms: terms.map((term) => ({ ...term, labels: [...term.labels, requirement] })) };
}

const mainRequest = (podSet: PodSet): DeviceRequest | undefined =>
  [...podSet.devices].sort((a, b) => b.count - a.count)[0];

function withRequest(podSet: PodSet, change: Partial<DeviceRequest>): PodSet {
  const main = mainRequest(podSet);
  return {
    ...podSet,
    devices: podSet.devices.map((request) => (request === main ? { ...request, ...change } : request)),
  };
}

/** Another resource is on other nodes: what chose the nodes of the old one goes with it. */
function withResource(podSet: PodSet, resource: string, migProfile: string | null): PodSet {
  const change = migProfile === null ? { form: 'device' as const } : { form: 'mig' as const, migProfile };
  return { ...withRequest(podSet, { resource, ...change }), placement: withoutDeviceChoice(podSet.placement) };
}

function editedBy(podSet: PodSet, edit: Edit): PodSet {
  if (isRunEdit(edit)) return podSet;
  if (edit.field === 'request.devices') return withRequest(podSet, { count: edit.value });
  if (edit.field === 'request.resource') return withResource(podSet, edit.value, edit.migProfile);
  return { ...podSet, placement: withAffinity(podSet.placement, edit.value) };
}

/** The pod set as it would ask after a proposal. */
export function editedPodSet(podSet: PodSet, edits: readonly Edit[]): PodSet {
  return edits.reduce(editedBy, podSet);
}
