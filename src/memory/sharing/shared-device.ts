import type { ModelCatalog } from '../../model/catalog.js';
import { valuesOf } from '../../run/fields.js';
import { runFingerprint } from '../../run/fingerprint.js';
import type { DeviceRuns, RoleRun } from '../../run/device-runs.js';
import type { RunValues } from '../../run/training-run.js';
import { breakdownOf, liveByCategory } from '../breakdown.js';
import { roundingOf } from '../allocator/rounding.js';
import { cudaContext } from '../device/cuda-context.js';
import { NOTHING } from '../device/mechanism.js';
import { DEVICE_MECHANISMS } from '../device/mechanisms.js';
import { isBefore, versionOf } from '../device/versions.js';
import type { Contributor, DeviceTraits, Estimate, Interval, Turn } from '../estimate.js';
import { estimateFrom, evaluate, outsideInterval, peakOf } from '../estimator.js';
import { timelineOf } from '../timeline.js';
import { engineEstimate } from './inference-engine.js';
import type { Member, ProcessForecast } from './processes.js';
import { borrowedOf, processForecast, restingOf, workingBytes } from './processes.js';

/** What an estimate of several runs on one device starts from. */
export interface SharedRequest {
  runs: DeviceRuns;
  device: DeviceTraits;
  facts: { readonly models: ModelCatalog };
  /** Runs that were worked out before: of a proposal that changes one run, the others stay as they are. */
  members?: MemberMemory;
}

/** Remembers runs that were worked out, by a key of the run, its device and its surroundings. */
export interface MemberMemory {
  get(key: string): Member | undefined;
  set(key: string, member: Member): unknown;
}

/** Each run by itself, and all of them together on their device. */
export interface SharedEstimate {
  together: Estimate;
  alone: readonly { role: string; estimate: Estimate }[];
}

/** An inference engine on the device. */
interface Engine {
  role: string;
  values: RunValues;
  estimate: Estimate;
  /** Share of the device; null: it takes what it needs. */
  share: number | null;
  /** Bytes that it cannot do without, context aside. */
  need: Interval;
  /** What stays of it on the device whatever it does. */
  outside: Interval;
}

type End = keyof Interval;
const ENDS: readonly End[] = ['low', 'expected', 'high'];
const atEnds = (figure: (end: End) => number): Interval =>
  Object.fromEntries(ENDS.map((end) => [end, Math.round(figure(end))])) as unknown as Interval;

/**
 * GPU memory of several runs that share a device: what all of them hold, and the largest turn on top. Within a process
 * the runs share one allocator; processes of their own have contexts of their own; inference engines take their share of
 * the device, all the time or, where they sleep, in their turn.
 *
 * Throws NotEstimable, which names each missing or unknown field, where any of the runs cannot be estimated.
 */
export function estimateTogether(request: SharedRequest): SharedEstimate {
  const context = { device: request.device, models: request.facts.models };
  const [main] = request.runs;
  const keepsWeights = main?.run.sharing.keepsParameters.value ?? true;
  const members = request.runs
    .filter(trainsOrEvaluates)
    .map((one) => remembered(one, context, { keepsWeights, members: request.members }));
  const engines = request.runs.filter((one) => !trainsOrEvaluates(one)).map((one) => engineOf(one, context));
  const shared: Shared = { processes: processesOf(members), engines, device: request.device };
  const alone = [...members, ...engines].map(({ role, estimate }) => ({ role, estimate }));
  return { together: togetherOf(shared), alone };
}

const trainsOrEvaluates = ({ run }: RoleRun): boolean => run.activity.value !== 'generate';

type Context = { device: DeviceTraits; models: ModelCatalog };

function remembered(
  one: RoleRun,
  context: Context,
  { keepsWeights, members }: { keepsWeights: boolean; members: MemberMemory | undefined },
): Member {
  if (members === undefined) return memberOf(one, context, keepsWeights);
  const { vendor, model } = context.device;
  const key = `${vendor}|${model}|${keepsWeights}|${one.role}|${runFingerprint(one.run)}`;
  const known = members.get(key);
  if (known !== undefined) return known;
  const made = memberOf(one, context, keepsWeights);
  members.set(key, made);
  return made;
}

function memberOf({ role, run }: RoleRun, context: Context, keepsWeights: boolean): Member {
  const evaluation = evaluate(run, context);
  return {
    role,
    evaluation,
    estimate: estimateFrom(evaluation, context),
    resting: restingOf(evaluation),
    borrowed: borrowedOf(evaluation, keepsWeights),
    outside: outsideInterval(evaluation, context.device),
  };
}

function engineOf({ role, run }: RoleRun, context: Context): Engine {
  const values = valuesOf(run);
  const estimate = engineEstimate(run, context);
  const isCommon = values.sharing.process === 'common';
  const share = values.sharing.deviceShare;
  const outside = isCommon ? NOTHING : cudaContext.bytes(values, context.device);
  const whole = cudaContext.bytes(values, context.device);
  const scale = share ?? 1;
  const need = atEnds((end) => (estimate.minimumCapacityBytes[end] - whole[end]) * scale);
  return { role, values, estimate, share, need, outside };
}

/** The common process, and one for each run that has its own. */
function processesOf(members: readonly Member[]): ProcessForecast[] {
  const isCommon = ({ evaluation }: Member): boolean => evaluation.expected.values.sharing.process === 'common';
  const trains = ({ evaluation }: Member): boolean => evaluation.expected.values.activity === 'train';
  const common = members.filter(isCommon);
  const ordered = [...common.filter(trains), ...common.filter((member) => !trains(member))];
  const groups = [...(ordered.length > 0 ? [ordered] : []), ...members.filter((m) => !isCommon(m)).map((m) => [m])];
  return groups.map(processForecast);
}

interface Shared {
  processes: readonly ProcessForecast[];
  engines: readonly Engine[];
  device: DeviceTraits;
}

const sum = (values: readonly number[]): number => values.reduce((all, one) => all + one, 0);

/** What waits on the device between turns: what runs hold, contexts and libraries. */
function heldAt({ processes, engines }: Shared, end: End): number {
  return sum([
    ...processes.map(({ resting, outside }) => resting[end] + outside[end]),
    ...engines.map(({ outside }) => outside[end]),
  ]);
}

/** Engines that do not sleep hold their memory in every turn. */
const isAwake = ({ values }: Engine): boolean => values.sharing.keepsParameters;

/** Part of the device that is taken in a turn, and bytes beyond it. */
interface Load {
  role: string;
  bytes: number;
  share: number;
}

/** The least that has to be left for the others; a share of all would leave none. */
const LARGEST_SHARE = 0.999;

function loadOf(engines: readonly Engine[], end: End): { bytes: number; share: number } {
  return {
    bytes: sum(engines.map(({ share, need }) => (share === null ? need[end] : 0))),
    share: Math.min(LARGEST_SHARE, sum(engines.map(({ share }) => share ?? 0))),
  };
}

/** Every turn of the device: each process at work, then each engine. */
function loads(shared: Shared, end: End, working: (process: ProcessForecast) => number): Load[] {
  const held = heldAt(shared, end);
  const awake = loadOf(shared.engines.filter(isAwake), end);
  const processes = shared.processes.map((process) => ({
    role: process.members[0]!.role,
    bytes: held + Math.max(0, working(process) - process.resting[end]) + awake.bytes,
    share: awake.share,
  }));
  const engines = shared.engines.map((engine) => {
    const busy = loadOf([engine, ...shared.engines.filter((other) => other !== engine && isAwake(other))], end);
    return { role: engine.role, bytes: held + busy.bytes, share: busy.share };
  });
  return [...processes, ...engines];
}

/**
 * The smallest device on which every turn has room, and every engine what it cannot do without. An engine's share is of
 * the whole device, and it starts only where as much is free; before vLLM 0.9 what others hold counted as part of its
 * share (vllm/v1/worker/gpu_worker.py), which is the low end where the version is not known.
 */
function smallestDevice(shared: Shared, end: End): number {
  const turns = loads(shared, end, ({ limit }) => limit[end]);
  const free = turns.map(({ bytes, share }) => bytes / (1 - share));
  const own = shared.engines.flatMap(({ share, need, outside }) =>
    share === null ? [] : [(need[end] + outside[end]) / share],
  );
  return Math.max(...free, ...own);
}

/** As `smallestDevice` where what others hold is within an engine's share. */
function smallestWithinShares(shared: Shared, end: End): number {
  const held = heldAt(shared, end);
  const apart = loads({ ...shared, engines: shared.engines.filter(isAwake) }, end, ({ limit }) => limit[end]);
  const turns = apart.slice(0, shared.processes.length).map(({ bytes, share }) => bytes / (1 - share));
  const own = shared.engines.map(({ share, need }) => (held + need[end]) / (share ?? 1));
  return Math.max(...turns, ...own);
}

const COUNTS_OTHERS_UNTIL = [0, 9] as const;

function capacityOf(shared: Shared): Interval {
  const least = atEnds((end) => smallestDevice(shared, end));
  const within = atEnds((end) => smallestWithinShares(shared, end));
  const [engine] = shared.engines.filter(({ share }) => share !== null);
  if (engine === undefined) return least;
  const version = versionOf(engine.values, 'vllm');
  if (version !== null && isBefore(version, COUNTS_OTHERS_UNTIL)) return within;
  return version === null ? { ...least, low: Math.min(least.low, within.low) } : least;
}

/** What device a share is taken of: the real one, or the smallest that would do where its size is not known. */
const sizeOf = ({ device }: Shared, smallest: Interval): number => device.usableBytes ?? smallest.expected;

function togetherOf(shared: Shared): Estimate {
  const capacity = capacityOf(shared);
  const size = sizeOf(shared, capacity);
  const at = (end: End): Load[] =>
    loads(shared, end, ({ reserved }) => reserved[end]).map((load) => ({
      ...load,
      bytes: load.bytes + load.share * size,
    }));
  const deviceBytes = atEnds((end) => Math.max(...at(end).map(({ bytes }) => bytes)));
  const worst = at('expected').reduce((most, one) => (one.bytes > most.bytes ? one : most));
  const torch = (figure: (process: ProcessForecast) => Interval): Interval =>
    atEnds((end) => largestOf(shared.processes, figure, end));
  const process = shared.processes.find(({ members }) => members[0]!.role === worst.role);
  const all = [...shared.processes.flatMap(({ members }) => members), ...shared.engines];
  return {
    allocatedBytes: torch(({ allocated }) => allocated),
    reservedBytes: torch(({ reserved }) => reserved),
    deviceBytes,
    minimumCapacityBytes: atEnds((end) => capacity[end]),
    breakdown: breakdownAt(shared, process, deviceBytes.expected),
    peak: process === undefined ? { phase: 'generate', iteration: 1, operation: worst.role } : peakOf(process),
    timeline: timelineIn(process ?? shared.processes[0]),
    contributors: contributorsOf(all),
    parameters: {
      total: sum(all.map(({ estimate }) => estimate.parameters.total)),
      trainable: sum(all.map(({ estimate }) => estimate.parameters.trainable)),
    },
    notes: [...new Set([...shared.engines.flatMap(shareNote), ...all.flatMap(({ estimate }) => estimate.notes)])],
    turns: turnsOf(shared, size),
  };
}

/** Why a device must be so large: the others have what an engine's share leaves. */
function shareNote({ role, share, values }: Engine): readonly string[] {
  if (share === null) return [];
  const when = values.sharing.keepsParameters ? 'all the time' : 'in its turn';
  return [`${role} takes ${Math.round(share * 100)} % of the device ${when}: the others must do with the rest`];
}

/** What the processes hold in the allocator together, at the largest turn. */
function largestOf(
  processes: readonly ProcessForecast[],
  figure: (process: ProcessForecast) => Interval,
  end: End,
): number {
  const held = sum(processes.map(({ resting }) => resting[end]));
  return Math.max(
    0,
    ...processes.map((process) => held - process.resting[end] + Math.max(process.resting[end], figure(process)[end])),
  );
}

const timelineIn = (process: ProcessForecast | undefined): Estimate['timeline'] =>
  process?.unlimited.series ? timelineOf(process.events, process.unlimited.series) : [];

/** The process at work by what it holds; all else in one sum each. Adds up to `deviceBytes`. */
function breakdownAt(shared: Shared, process: ProcessForecast | undefined, deviceBytes: number): Estimate['breakdown'] {
  if (process === undefined) {
    const others = Math.round(sum(shared.processes.map(({ resting }) => resting.expected)));
    const outside = Math.round(heldAt(shared, 'expected')) - others;
    return breakdownOf(new Map(), 0, [
      { category: 'other-models', bytes: others },
      { category: 'context', bytes: outside },
      { category: 'inference-engine', bytes: deviceBytes - others - outside },
    ]);
  }
  const { events, unlimited, members, reserved } = process;
  const { allocator, values } = members[0]!.evaluation.expected;
  const live = liveByCategory(events, unlimited.peakAllocatedEvent, roundingOf(allocator));
  const inUse = sum([...live.values()]);
  const own = DEVICE_MECHANISMS.map((mechanism) => ({
    category: mechanism.category,
    bytes: mechanism.bytes(values, shared.device).expected,
  }));
  const kept = Math.max(reserved.expected, inUse);
  const rest = deviceBytes - kept - sum(own.map(({ bytes }) => bytes));
  const engines = Math.min(rest, engineBytes(shared));
  return breakdownOf(live, kept, [
    ...own,
    { category: 'inference-engine', bytes: Math.max(0, engines) },
    { category: 'other-models', bytes: rest - Math.max(0, engines) },
  ]);
}

/** What engines hold while a process is at work. */
function engineBytes(shared: Shared): number {
  const awake = loadOf(shared.engines.filter(isAwake), 'expected');
  const contexts = sum(shared.engines.map(({ outside }) => outside.expected));
  return Math.round(awake.bytes + awake.share * sizeOf(shared, capacityOf(shared)) + contexts);
}

function contributorsOf(all: readonly { role: string; estimate: Estimate }[]): readonly Contributor[] {
  return all
    .flatMap(({ role, estimate }) => estimate.contributors.map((one) => ({ ...one, name: `${role}: ${one.name}` })))
    .sort((a, b) => b.widthBytes - a.widthBytes);
}

/** Each run's turn as expected. */
function turnsOf(shared: Shared, size: number): Turn[] {
  const held = Math.round(heldAt(shared, 'expected'));
  const awake = loadOf(shared.engines.filter(isAwake), 'expected');
  const always = Math.round(awake.bytes + awake.share * size);
  const turn = (role: string, working: number): Turn => ({
    role,
    workingBytes: Math.round(working),
    heldBytes: held + always,
    totalBytes: held + always + Math.round(working),
  });
  const members = shared.processes.flatMap(({ members: own }) =>
    own.map((member) => turn(member.role, workingBytes(member).expected)),
  );
  const engines = shared.engines
    .filter((engine) => !isAwake(engine))
    .map(({ role, share, need }) => turn(role, share === null ? need.expected : share * size));
  return [...members, ...engines];
}
