import type { Device, DeviceOffers, Node } from '../../inventory/inventory.js';
import type { DeviceRequest, Placement, PodClaim, PodSet } from '../../workload/workload.js';
import { indexCluster } from '../cluster.js';
import type { Cluster } from '../cluster.js';
import { obstacle } from '../placement.js';
import { claimRoom, ClaimsUnknown, isTakenBy, prepared } from './claim-room.js';
import type { ClaimRoom, Found, PreparedAlternative, PreparedClaims } from './claim-room.js';
import { OffersIndex } from './node-offers.js';

/** Room for a pod's claims as an amount that nodes have, beside CPU and memory. */
export const CLAIM_ROOM = 'room for its claims';

/**
 * A cluster as a pod with claims sees it: what its main claim may be given stands under a resource name of its own, and
 * room for all its claims together is an amount of each node.
 */
export interface ClaimView {
  cluster: Cluster;
  /** The resource under which the devices of the main request stand. */
  resource: string;
  /** The fewest devices that the main request may be given, over its alternatives; null where it is no claim's. */
  leastCount: number | null;
}

interface Question {
  claims: readonly PodClaim[];
  main: DeviceRequest;
  placement: Placement;
  /** Pods that a claim by name would be shared by. */
  pods: number;
}

const views = new WeakMap<Cluster, Map<string, ClaimView | string>>();
const indexes = new WeakMap<DeviceOffers, OffersIndex>();
const VIEWS_KEPT = 50;

/** The class whose devices stand in for a device plugin's, where a driver offers that (KEP-5004); null: none does. */
function standIn({ resource }: DeviceRequest, { classes }: DeviceOffers): string | null {
  const implicit = /^deviceclass\.resource\.kubernetes\.io\/(.+)$/.exec(resource)?.[1];
  const found = classes.find(({ name, extendedResource }) => extendedResource === resource || name === implicit);
  return found?.name ?? null;
}

/** Whether a pod is given devices by a driver: by its claims, or by a resource name that a class stands in for. */
function claimsDevices({ placement }: PodSet, main: DeviceRequest, offers: DeviceOffers | null): boolean {
  if (placement.claims !== undefined || main.form === 'claim') return true;
  return offers !== null && standIn(main, offers) !== null;
}

/**
 * The view of a pod set whose pods claim devices, or ask by a resource name for what a driver hands out; null where
 * neither is so, and in words where it cannot be told what the claims may get.
 */
export function claimView(podSet: PodSet, main: DeviceRequest, cluster: Cluster): ClaimView | string | null {
  const { offers } = cluster;
  if (!claimsDevices(podSet, main, offers)) return null;
  if (offers === null) return `which devices the claim for ${main.resource} may get is not known`;
  const kept = views.get(cluster) ?? new Map<string, ClaimView | string>();
  views.set(cluster, kept);
  const { placement, replicas } = podSet;
  const key = JSON.stringify([placement, main, replicas]);
  const known = kept.get(key);
  if (known !== undefined) return known;
  if (kept.size >= VIEWS_KEPT) kept.clear();
  const view = made({ claims: placement.claims ?? [], main, placement, pods: replicas }, cluster, offers);
  kept.set(key, view);
  return view;
}

function made(question: Question, cluster: Cluster, offers: DeviceOffers): ClaimView | string {
  const index = indexes.get(offers) ?? new OffersIndex(offers);
  indexes.set(offers, index);
  try {
    if (question.claims.length === 0) return byResourceName(question.main, cluster, { offers, index });
    return byClaims(question, cluster, index);
  } catch (error) {
    if (error instanceof ClaimsUnknown) return error.message;
    throw error;
  }
}

function byClaims({ claims, main, placement, pods }: Question, cluster: Cluster, index: OffersIndex): ClaimView {
  const shared = claims.find(({ isShared }) => isShared);
  if (shared !== undefined && pods > 1)
    throw new ClaimsUnknown(`its ${pods} pods share the devices of one claim, ${shared.objectName}`);
  const ready = prepared(claims, index);
  const alternatives = alternativesOf(main, ready);
  const isClaimed = main.form === 'claim';
  const resource = isClaimed ? `${main.resource} by its claim ${main.claim ?? ''}` : main.resource;
  const rooms = cluster.nodes.map(({ node }) => roomOf(ready, node, index, placement));
  const now = totals(rooms.map((room) => room.now));
  const ever = totals(rooms.map((room) => room.ever)).map((pods, position) => Math.max(pods, now[position] ?? 0));
  const seen = new Seen(cluster, index, resource);
  cluster.nodes.forEach(({ node }, position) => {
    const [most = 0, left = 0] = [ever[position], now[position]];
    seen.add(node, isClaimed ? alternatives : null, { [CLAIM_ROOM]: most }, { [CLAIM_ROOM]: most - left });
  });
  const counts = alternatives.map(({ asked }) => (asked.count === 'all' ? 1 : asked.count));
  return { ...seen.view(), leastCount: isClaimed ? Math.min(...counts) : null };
}

/** Pods by node; none anywhere where one node makes the scheduler give the pod up. */
function totals(found: readonly Found[]): number[] {
  const isRefused = found.some(({ refusal }) => refusal !== null);
  return found.map(({ pods }) => (isRefused ? 0 : pods));
}

const NOTHING: Found = { pods: 0, refusal: null };

/** The scheduler looks at the devices of a node only once all else of it lets the pod in. */
function roomOf(claims: PreparedClaims, node: Node, index: OffersIndex, placement: Placement): ClaimRoom {
  const kept = obstacle(node, placement);
  if (kept !== null && !kept.passing) return { ever: NOTHING, now: NOTHING };
  const room = claimRoom(claims, node, index);
  return kept === null ? room : { ...room, now: { ...room.now, refusal: null } };
}

/** What the main request of the claim may be given. */
function alternativesOf(main: DeviceRequest, { requests }: PreparedClaims): readonly PreparedAlternative[] {
  const found = requests.find(
    ({ claim, request }) => claim === main.claim && request === (main.claimRequest ?? request),
  );
  return found?.alternatives ?? [];
}

/** A node whose device plugin offers the resource is left as it is; on others the driver's devices stand in. */
function byResourceName(
  main: DeviceRequest,
  cluster: Cluster,
  { offers, index }: { offers: DeviceOffers; index: OffersIndex },
): ClaimView {
  const deviceClass = standIn(main, offers) ?? '';
  const asked = { name: null, deviceClass, selectors: [], count: 1, tolerations: [], capacity: {}, adminAccess: false };
  const claim = { name: '', objectName: '', isKnown: true, isShared: false, constraints: [] };
  const ready = prepared([{ ...claim, requests: [{ name: '', alternatives: [asked] }] }], index);
  const seen = new Seen(cluster, index, main.resource);
  for (const { node } of cluster.nodes) {
    const isPlugin = (node.allocatable[main.resource] ?? 0) > 0;
    seen.add(node, isPlugin ? null : (ready.requests[0]?.alternatives ?? []), {}, {});
  }
  return seen.view();
}

type Amounts = Readonly<Record<string, number>>;

/** Collects the nodes and devices of a view. */
class Seen {
  private readonly nodes: Node[] = [];
  private readonly devices: Device[] = [];
  private readonly byOffer: ReadonlyMap<string, Device>;
  private readonly byNode = new Map<string, Device[]>();

  constructor(
    private readonly cluster: Cluster,
    private readonly index: OffersIndex,
    private readonly resource: string,
  ) {
    const all = cluster.nodes.flatMap(({ devices }) => [...devices.values()].flat().map(({ device }) => device));
    this.byOffer = new Map(all.flatMap((device) => (device.offer === undefined ? [] : [[device.offer, device]])));
    for (const device of all.filter((each) => each.resource === resource)) {
      const known = this.byNode.get(device.node) ?? [];
      this.byNode.set(device.node, known);
      known.push(device);
    }
  }

  /** null: what the node has under the resource stays. */
  add(node: Node, alternatives: readonly PreparedAlternative[] | null, has: Amounts, bound: Amounts): void {
    if (alternatives === null) {
      this.nodes.push({
        ...node,
        allocatable: { ...node.allocatable, ...has },
        requested: { ...node.requested, ...bound },
      });
      this.devices.push(...(this.byNode.get(node.name) ?? []));
      return;
    }
    const offers = this.index.of(node);
    const taken = offers.devices.flatMap((device, at) =>
      alternatives.some((each) => isTakenBy(each, device)) ? [at] : [],
    );
    const held = taken.filter((at) => offers.isFree[at] === false).length;
    const requested = Math.max(node.requested[this.resource] ?? 0, held);
    this.nodes.push({
      ...node,
      allocatable: { ...node.allocatable, ...has, [this.resource]: taken.length },
      requested: { ...node.requested, ...bound, [this.resource]: requested },
    });
    for (const at of taken) {
      const device = this.byOffer.get(offers.keys[at] ?? '');
      if (device !== undefined) this.devices.push({ ...device, node: node.name, resource: this.resource });
    }
  }

  view(): ClaimView {
    const snapshot = { takenAtMs: this.cluster.takenAtMs, nodes: this.nodes, devices: this.devices };
    return { cluster: indexCluster(snapshot, [this.resource]), resource: this.resource, leastCount: null };
  }
}
