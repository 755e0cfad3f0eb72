import type { SliceDevice } from '../../inventory/resource-slice.js';
import type { ClaimConstraint } from '../../workload/workload.js';

/** One request of a claim, with what it may be given of a node's devices. */
export interface Ask {
  /** The pod's name for the claim: constraints bind within one claim. */
  claim: string;
  request: string;
  /** Name of the alternative that was chosen; null where the request has but one. */
  alternative: string | null;
  /** Devices that it must be given. */
  needed: number;
  /** Asks for every device that matches: then none of them may break a constraint. */
  isAll: boolean;
  /** Positions of the devices that would do. */
  from: readonly number[];
  /** Of these, those that a taint keeps from it. */
  barred: ReadonlySet<number>;
}

/** The scheduler does not pass the node over but gives the pod up, wherever else it may have room; in words why. */
export class ClaimsRefused extends Error {}

/** The devices of one node, and what rules hold among those that one pod is given. */
export interface Offering {
  devices: readonly SliceDevice[];
  isFree: readonly boolean[];
  constraints: readonly (ClaimConstraint & { claim: string })[];
  /** What is left of the amounts that devices of a pool share, by `driver/pool/set/counter`. */
  counters: ReadonlyMap<string, number>;
}

/** More than a node runs; counting stops there. */
const MOST_PODS = 256;
/** Devices that one claim may be given (resource.k8s.io/v1, AllocationResultsMaxSize). */
const MOST_DEVICES_OF_A_CLAIM = 32;
/** Requests that are weighed against each other by counting: two to the power of these sums. */
const MOST_COUNTED = 6;
/** Tries on one node before it is left open, where rules among devices make it a search. */
const MOST_TRIES = 20_000;

/**
 * Pods that the devices of one node can be given to at once, by the rules of the scheduler (k8s.io/dynamic-resource-allocation
 * structured/internal, allocateOne: every device once, constraints within a claim, shared counters). Exact for the first
 * pod, and for all pods where no constraint and no counter binds; `null`: too much to search. Throws ClaimsRefused.
 */
export function podsOnDevices(asks: readonly Ask[], offering: Offering): number | null {
  const isBound =
    offering.constraints.length > 0 || asks.some((ask) => ask.from.some((at) => hasCounters(offering, at)));
  // A request for all devices may be refused on the way, so that it is gone through as the scheduler does.
  const isGoneThrough = isBound && asks.some(({ isAll }) => isAll);
  if (!isGoneThrough && !isPossible(asks, offering)) return 0;
  if (isBound) return new Packing(asks, offering).pods();
  return asks.length > MOST_COUNTED ? null : countedPods(asks, offering);
}

const hasCounters = ({ devices }: Offering, at: number): boolean => Object.keys(devices[at]?.consumes ?? {}).length > 0;

function isPossible(asks: readonly Ask[], { isFree }: Offering): boolean {
  const byClaim = new Map<string, number>();
  for (const { claim, needed, from, barred } of asks) {
    byClaim.set(claim, (byClaim.get(claim) ?? 0) + needed);
    if (from.filter((at) => isFree[at] === true && !barred.has(at)).length < needed) return false;
  }
  return [...byClaim.values()].every((needed) => needed <= MOST_DEVICES_OF_A_CLAIM);
}

/**
 * Hall's theorem: so many pods can be served as every set of requests finds devices enough among those that any of the set
 * may be given.
 */
function countedPods(asks: readonly Ask[], { devices, isFree }: Offering): number {
  const masks = devices.map(() => 0);
  asks.forEach(({ from, barred }, bit) => {
    for (const at of from) if (isFree[at] === true && !barred.has(at)) masks[at] = (masks[at] ?? 0) | (1 << bit);
  });
  let pods = MOST_PODS;
  for (let set = 1; set < 1 << asks.length; set += 1) {
    const needed = asks.reduce((sum, ask, bit) => sum + (set & (1 << bit) ? ask.needed : 0), 0);
    const found = masks.filter((mask) => (mask & set) !== 0).length;
    if (needed > 0) pods = Math.min(pods, Math.floor(found / needed));
  }
  return pods;
}

/** Gives devices to one pod after the other, searching for each as the scheduler does. */
class Packing {
  private readonly free: boolean[];
  private readonly counters: Map<string, number>;
  private tries = 0;

  constructor(
    private readonly asks: readonly Ask[],
    private readonly offering: Offering,
  ) {
    this.free = [...offering.isFree];
    this.counters = new Map(offering.counters);
  }

  pods(): number | null {
    let pods = 0;
    while (pods < MOST_PODS && this.serves(0, 0, 0, [])) pods += 1;
    return pods === 0 && this.tries > MOST_TRIES ? null : pods;
  }

  /** Whether the requests from `index` on can be given devices; what was given stays given where they can. */
  private serves(index: number, given: number, start: number, taken: readonly Taken[]): boolean {
    const ask = this.asks[index];
    if (ask === undefined) return true;
    if (given === ask.needed) return this.serves(index + 1, 0, 0, taken);
    for (let place = start; place < ask.from.length; place += 1) {
      this.tries += 1;
      if (this.tries > MOST_TRIES) return false;
      const at = ask.from[place] ?? -1;
      if (!this.take(ask, at, taken)) {
        if (ask.isAll) return false;
        continue;
      }
      if (this.serves(index, given + 1, place + 1, [...taken, { ask, at }])) return true;
      this.release(at);
    }
    return false;
  }

  private take(ask: Ask, at: number, taken: readonly Taken[]): boolean {
    const device = this.offering.devices[at];
    if (device === undefined || this.free[at] !== true) return false;
    if (ask.barred.has(at)) return false;
    const amounts = sharedAmounts(device);
    if (amounts.some(([counter, amount]) => (this.counters.get(counter) ?? 0) < amount)) return false;
    const isAllowed = this.offering.constraints.every((constraint) => this.holds(constraint, ask, device, taken));
    if (!isAllowed && ask.isAll)
      throw new ClaimsRefused('its claim asks for all devices, and its constraints keep it from one');
    if (!isAllowed) return false;
    for (const [counter, amount] of amounts) this.counters.set(counter, (this.counters.get(counter) ?? 0) - amount);
    this.free[at] = false;
    return true;
  }

  private release(at: number): void {
    const device = this.offering.devices[at];
    if (device === undefined) return;
    this.free[at] = true;
    for (const [counter, amount] of sharedAmounts(device))
      this.counters.set(counter, (this.counters.get(counter) ?? 0) + amount);
  }

  /** A device without the attribute satisfies no constraint on it. */
  private holds(
    constraint: Offering['constraints'][number],
    ask: Ask,
    device: SliceDevice,
    taken: readonly Taken[],
  ): boolean {
    if (!binds(constraint, ask)) return true;
    const value = valueOf(device, constraint.attribute);
    if (value === null) return false;
    const others = taken.filter((each) => binds(constraint, each.ask));
    return others.every(({ at }) => {
      const other = this.offering.devices[at];
      const isEqual = other !== undefined && valueOf(other, constraint.attribute) === value;
      return constraint.kind === 'match' ? isEqual : !isEqual;
    });
  }
}

interface Taken {
  ask: Ask;
  at: number;
}

function binds({ claim, requests }: Offering['constraints'][number], ask: Ask): boolean {
  if (claim !== ask.claim) return false;
  return (
    requests.length === 0 || requests.includes(ask.request) || requests.includes(`${ask.request}/${ask.alternative}`)
  );
}

function valueOf({ attributes }: SliceDevice, name: string): string | null {
  const found = Object.hasOwn(attributes, name) ? attributes[name] : undefined;
  return found === undefined ? null : `${found.kind} ${String(found.value)}`;
}

/** What a device takes of what its pool shares. */
export function sharedAmounts({ driver, pool, consumes }: SliceDevice): [string, number][] {
  return Object.entries(consumes).map(([counter, amount]) => [`${driver}/${pool}/${counter}`, amount]);
}
