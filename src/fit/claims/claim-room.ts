import type { SliceDevice } from '../../inventory/resource-slice.js';
import type { Node } from '../../inventory/inventory.js';
import type { ClaimAlternative, PodClaim } from '../../workload/workload.js';
import { untolerated } from '../tolerations.js';
import { ClaimsRefused, podsOnDevices } from './allocation.js';
import type { Ask, Offering } from './allocation.js';
import { deviceSelector } from './device-selector.js';
import type { DeviceSelector } from './device-selector.js';
import type { NodeOffers, OffersIndex } from './node-offers.js';

/** Ways to choose among the alternatives of all requests that are tried. */
const MOST_CHOICES = 64;

/** An alternative with everything that a device must pass for it. */
export interface PreparedAlternative {
  asked: ClaimAlternative;
  selectors: readonly DeviceSelector[];
}

interface PreparedRequest {
  claim: string;
  request: string;
  alternatives: readonly PreparedAlternative[];
}

/** Claims that are ready to be held against nodes. */
export interface PreparedClaims {
  requests: readonly PreparedRequest[];
  constraints: Offering['constraints'];
}

/** What the claims of a pod find: pods that get devices, or why the scheduler gives the pod up wherever it is tried. */
export interface Found {
  pods: number;
  refusal: string | null;
}

/** What the claims of one pod find on one node: with nothing allocated, and as it is now. */
export interface ClaimRoom {
  ever: Found;
  now: Found;
}

/** What keeps claims from being held against anything, in words. */
export class ClaimsUnknown extends Error {}

/** Throws ClaimsUnknown where something of the claims is not known, or is more than is looked into here. */
export function prepared(claims: readonly PodClaim[], offers: OffersIndex): PreparedClaims {
  const requests = claims.flatMap((claim) => {
    if (!claim.isKnown) throw new ClaimsUnknown(`the claim ${claim.objectName} is not known`);
    return claim.requests.map(({ name, alternatives }) => ({
      claim: claim.name,
      request: name,
      alternatives: alternatives.map((asked) => preparedAlternative(asked, offers)),
    }));
  });
  const choices = requests.reduce((product, { alternatives }) => product * alternatives.length, 1);
  if (choices > MOST_CHOICES) throw new ClaimsUnknown('its claims have more alternatives than are looked into');
  const constraints = claims.flatMap((claim) => claim.constraints.map((each) => ({ ...each, claim: claim.name })));
  return { requests, constraints };
}

function preparedAlternative(asked: ClaimAlternative, { classes }: OffersIndex): PreparedAlternative {
  if (asked.adminAccess) throw new ClaimsUnknown('a claim asks for access to devices that others hold');
  const found = classes.get(asked.deviceClass);
  // Without its class nothing is handed out: no device passes.
  const expressions = found === undefined ? ['false'] : [...found.selectors, ...asked.selectors];
  const selectors = expressions.map((expression) => {
    const selector = deviceSelector(expression);
    if (typeof selector === 'string')
      throw new ClaimsUnknown(`the selector of ${asked.deviceClass} is not understood: ${selector}`);
    return selector;
  });
  return { asked, selectors };
}

/**
 * Whether a device is one that an alternative takes. The first selector that says no ends it, as for the scheduler.
 * Throws ClaimsUnknown where a selector fails on the device: the scheduler then gives the pod up for the time being.
 */
export function isTakenBy({ asked, selectors }: PreparedAlternative, device: SliceDevice): boolean {
  for (const selector of selectors) {
    const match = selector.matches(device);
    if (match === 'error')
      throw new ClaimsUnknown(
        `a selector of ${asked.deviceClass} fails on the device ${device.name} of pool ${device.pool}`,
      );
    if (match === 'no') return false;
  }
  return Object.entries(asked.capacity).every(([name, amount]) => capacityOf(device, name) >= amount);
}

function capacityOf({ capacity, driver }: SliceDevice, name: string): number {
  const qualified = name.includes('/') ? name : `${driver}/${name}`;
  return Object.hasOwn(capacity, qualified) ? (capacity[qualified] ?? 0) : -Infinity;
}

const isTolerated = (device: SliceDevice, { tolerations }: ClaimAlternative): boolean =>
  untolerated(device.taints, tolerations).length === 0;

/** null: a request for all devices finds none. */
function askOf({ claim, request }: PreparedRequest, choice: PreparedAlternative, { devices }: NodeOffers): Ask | null {
  const matching = devices.flatMap((device, at) => (isTakenBy(choice, device) ? [at] : []));
  const { count, name: alternative } = choice.asked;
  const isAll = count === 'all';
  if (isAll && matching.length === 0) return null;
  const barred = new Set(matching.filter((at) => !isTolerated(devices[at]!, choice.asked)));
  return { claim, request, alternative, needed: isAll ? matching.length : count, isAll, from: matching, barred };
}

/** Every way to choose one alternative for each request, in the order in which the scheduler tries them. */
function choicesOf(requests: readonly PreparedRequest[]): PreparedAlternative[][] {
  return requests.reduce<PreparedAlternative[][]>(
    (ways, { alternatives }) => ways.flatMap((way) => alternatives.map((each) => [...way, each])),
    [[]],
  );
}

const asksForAll = ({ requests }: PreparedClaims): boolean =>
  requests.some(({ alternatives }) => alternatives.some(({ asked }) => asked.count === 'all'));

/** Pods by the first choice that gives any a place, as the scheduler takes it. */
function firstRoom(choices: readonly (readonly Ask[])[], offering: Offering): Found {
  try {
    for (const asks of choices) {
      const pods = podsOnDevices(asks, offering);
      if (pods === null) throw new ClaimsUnknown('which devices the claims may get together is more than is searched');
      if (pods > 0) return { pods, refusal: null };
    }
  } catch (error) {
    if (error instanceof ClaimsRefused) return { pods: 0, refusal: error.message };
    throw error;
  }
  return { pods: 0, refusal: null };
}

/** Room for the claims of a pod on a node. Throws ClaimsUnknown where that cannot be told. */
export function claimRoom(claims: PreparedClaims, node: Node, index: OffersIndex): ClaimRoom {
  const offers = index.of(node);
  const { devices, isFree } = offers;
  const { constraints } = claims;
  const choices = choicesOf(claims.requests).flatMap((choice) => {
    const asks = claims.requests.map((request, place) => askOf(request, choice[place]!, offers));
    return asks.every((ask) => ask !== null) ? [asks] : [];
  });
  const isUpdated = offers.isIncomplete && asksForAll(claims);
  const all = devices.map(() => true);
  return {
    ever: firstRoom(choices, { devices, isFree: all, constraints, counters: index.counters }),
    now: isUpdated
      ? { pods: 0, refusal: 'a pool of devices is being updated' }
      : firstRoom(choices, { devices, isFree, constraints, counters: index.countersLeft }),
  };
}
