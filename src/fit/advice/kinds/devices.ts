import type { RunValues } from '../../../run/training-run.js';
import { choosesDevices } from '../edits.js';
import { deviceChoices, mostDevicesPerPod } from '../device-choice.js';
import { accumulatesToGlobal, sizeFollows } from '../program-flags.js';
import { SHORT_EVERYWHERE } from '../proposal.js';
import type { AdviceKind, Edit, Proposal, Subject } from '../proposal.js';

const GIB = 1024 ** 3;
/** Waste worth a word: a device at least twice the size of the one that would do. */
const WORTH_SAVING = 2;
const SHARDED = new Set(['zero1', 'zero2', 'zero3', 'fsdp-full', 'fsdp-grad-op', 'distributed-optimizer']);

const devicesPerPod = ({ podSets }: Subject): number => podSets[0]?.devices[0]?.count ?? 0;

/** A larger device or MIG profile of this cluster, where the pods do not reach all of them already. */
export const otherDevice: AdviceKind = {
  name: 'other-device',
  answers: ['will-not-fit', 'tight', 'unschedulable'],
  price: 'devices',
  combines: false,
  ladder(subject) {
    const [podSet] = subject.podSets;
    const resources = new Set(subject.cluster.byResource.keys());
    if (podSet === undefined || (resources.size === 1 && !choosesDevices(podSet.placement))) return [];
    const held = subject.target?.capacityBytes ?? 0;
    return deviceChoices(subject)
      .filter(({ capacityBytes }) => capacityBytes > held)
      .map(({ edits }) => ({ edits, costs: held === 0 ? [] : ['a larger device: dearer, and perhaps a longer wait'] }));
  },
};

/** The same global batch in other shares, where it goes into them. */
function sharedOut({ globalBatchSize }: RunValues, data: number): { edits: readonly Edit[]; cost: string[] } | null {
  const size = globalBatchSize / data;
  return Number.isInteger(size) ? { edits: [{ field: 'microBatchSize', value: size, follows: true }], cost: [] } : null;
}

/**
 * Accumulation that keeps the global batch when the number of data-parallel ranks changes; null where none does and the
 * program works it out of a global batch that stays.
 */
function batchEdits({ values, run }: Subject, data: number): { edits: readonly Edit[]; cost: string[] } | null {
  if (sizeFollows(run)) return sharedOut(values, data);
  const steps = values.globalBatchSize / (values.microBatchSize * data);
  if (Number.isInteger(steps) && steps >= 1)
    return { edits: [{ field: 'gradientAccumulationSteps', value: steps }], cost: [] };
  if (accumulatesToGlobal(run)) return null;
  // What is generated in groups must fill the batch (trl/trainer/grpo_config.py, num_generations).
  if (values.task === 'rl') return null;
  const global = values.microBatchSize * values.gradientAccumulationSteps * data;
  const cost = [`global batch ${global} instead of ${values.globalBatchSize}: the learning rate may have to follow`];
  return { edits: [{ field: 'globalBatchSize', value: global }], cost };
}

/** The run spread over another number of devices per pod. */
function rescaled(subject: Subject, devices: number, words: string): Proposal[] {
  const { values } = subject;
  const { parallelism } = values;
  const data = (parallelism.data * devices) / devicesPerPod(subject);
  const worldSize = (values.worldSize * devices) / devicesPerPod(subject);
  if (!Number.isInteger(data) || !Number.isInteger(worldSize) || data < 1) return [];
  const batch = batchEdits(subject, data);
  if (batch === null) return [];
  const shards = parallelism.shardSize === parallelism.data ? data : Math.min(parallelism.shardSize, worldSize);
  const edits: Edit[] = [
    { field: 'request.devices', value: devices },
    { field: 'processesPerNode', value: devices },
    { field: 'worldSize', value: worldSize },
    { field: 'parallelism.data', value: data },
    { field: 'parallelism.shardSize', value: shards },
    ...batch.edits,
  ];
  return [{ edits, costs: [words, ...batch.cost] }];
}

/** Sharded state spread over more devices of a node. */
export const moreDevices: AdviceKind = {
  name: 'more-devices',
  answers: SHORT_EVERYWHERE,
  price: 'devices',
  combines: false,
  ladder(subject) {
    const { values } = subject;
    const now = devicesPerPod(subject);
    if (!SHARDED.has(values.parallelism.sharding) || values.processesPerNode !== now) return [];
    const counts: number[] = [];
    for (let count = now * 2; count <= mostDevicesPerPod(subject); count *= 2) counts.push(count);
    return counts.flatMap((count) => rescaled(subject, count, `holds ${count} GPUs per pod instead of ${now}`));
  },
};

/** As many devices per pod as some node has. */
export const fewerDevices: AdviceKind = {
  name: 'fewer-devices',
  answers: ['unschedulable'],
  price: 'devices',
  combines: false,
  ladder(subject) {
    const [most, now] = [mostDevicesPerPod(subject), devicesPerPod(subject)];
    if (most < 1 || most >= now || subject.values.processesPerNode !== now) return [];
    return rescaled(subject, most, `trains on ${most} GPUs per pod instead of ${now}`);
  },
};

const inGib = (bytes: number): string => (bytes / GIB).toFixed(0);

/** The smallest device of this cluster that would do, where the one asked for is much larger. */
export const smallerDevice: AdviceKind = {
  name: 'smaller-device',
  answers: ['fits'],
  price: 'devices',
  combines: false,
  ladder(subject) {
    const { target, fit } = subject;
    const required = Math.max(0, ...fit.classes.map((row) => row.requiredBytes.high));
    const smallest = Math.min(...fit.classes.map((row) => row.capacityBytes.smallest));
    if (target === null || required * WORTH_SAVING > smallest) return [];
    return deviceChoices(subject)
      .filter(({ capacityBytes }) => capacityBytes >= required && capacityBytes * WORTH_SAVING <= smallest)
      .map(({ edits, capacityBytes, deviceClass }) => ({
        edits,
        costs: [`${deviceClass.name} is slower`],
        gain: `sets ${inGib(smallest - capacityBytes)} GiB of GPU memory free`,
      }));
  },
};

/**
 * GPUs that are asked for and that no process uses. Only where the number of processes was read: a single process
 * without a launcher may spread over all GPUs by itself (DataParallel).
 */
export const unusedDevices: AdviceKind = {
  name: 'unused-devices',
  answers: ['fits', 'fits-some', 'tight'],
  price: 'devices',
  combines: false,
  ladder({ run, values, podSets }) {
    const asked = podSets[0]?.devices[0]?.count ?? 0;
    const isSaid = run.processesPerNode.evidence.kind === 'read' && podSets[0]?.devices[0]?.form !== 'claim';
    if (!isSaid || values.processesPerNode >= asked) return [];
    const gain = `sets ${asked - values.processesPerNode} unused GPUs free`;
    return [{ edits: [{ field: 'request.devices', value: values.processesPerNode }], costs: [], gain }];
  },
};
