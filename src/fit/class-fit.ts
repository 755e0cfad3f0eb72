import type { DeviceClassFit } from './assessment.js';
import { allowanceOf, capacityVerdict } from './capacity.js';
import type { DeviceClass } from './device-class.js';
import type { Need } from './need.js';
import { occupantsOf } from './occupants.js';
import { podsEver, podsNow, podsPerNode } from './room.js';
import type { Accepts, Room } from './room.js';
import type { Lot, LotFacts } from './stock.js';

export type NeedOn = (deviceClass: DeviceClass) => Need;
type ClassVerdict = DeviceClassFit['verdict'];

/** One row of the answer: the lots of one class that have one verdict. */
export interface ClassRow {
  deviceClass: DeviceClass;
  verdict: ClassVerdict;
  need: Need;
  bands: ReadonlySet<number>;
  facts: LotFacts;
  nodes: number;
  devices: number;
}

const rowKey = (lot: Pick<Lot, 'deviceClass'>, verdict: ClassVerdict): string => `${lot.deviceClass.key}|${verdict}`;

/** Verdict of one lot; `unknown` where the need or the device is not known. */
function lotVerdict(lot: Lot, room: Room, need: Need): ClassVerdict {
  if (need.kind === 'unknown' || lot.deviceClass.model === null) return 'unknown';
  return capacityVerdict(need.requiredBytes, allowanceOf(lot, room.demand));
}

interface OpenRow extends ClassRow {
  bands: Set<number>;
}

function merged(row: OpenRow, lot: Lot, facts: LotFacts, nodes: number): OpenRow {
  row.bands.add(lot.bandBytes);
  return {
    ...row,
    nodes: row.nodes + nodes,
    devices: row.devices + nodes * lot.count,
    facts: {
      smallestBytes: Math.min(row.facts.smallestBytes, facts.smallestBytes),
      largestBytes: Math.max(row.facts.largestBytes, facts.largestBytes),
      seenAtMs: Math.min(row.facts.seenAtMs, facts.seenAtMs),
    },
  };
}

/** The devices that a pod set may be given, in rows of class and verdict, largest first. */
export function classRows(room: Room, needOn: NeedOn): ClassRow[] {
  const rows = new Map<string, OpenRow>();
  for (const group of room.groups) {
    group.stock.lots.forEach((lot, index) => {
      const facts = group.stock.facts[index];
      if (facts === undefined) return;
      const need = needOn(lot.deviceClass);
      const verdict = lotVerdict(lot, room, need);
      const key = rowKey(lot, verdict);
      const empty = {
        deviceClass: lot.deviceClass,
        verdict,
        need,
        bands: new Set<number>(),
        facts,
        nodes: 0,
        devices: 0,
      };
      rows.set(key, merged(rows.get(key) ?? empty, lot, facts, group.positions.length));
    });
  }
  return [...rows.values()].sort(
    (a, b) => b.facts.largestBytes - a.facts.largestBytes || (a.deviceClass.key < b.deviceClass.key ? -1 : 1),
  );
}

/** Accepts the lots of the given rows. */
export function acceptsOf(rows: readonly ClassRow[]): Accepts {
  return (lot) => rows.some((row) => row.deviceClass.key === lot.deviceClass.key && row.bands.has(lot.bandBytes));
}

const nothing = { low: 0, expected: 0, high: 0 };

/** A row as it stands in an assessment. Pods now are counted on devices that have the expected bytes free. */
export function classFit(row: ClassRow, room: Room, podsNeeded: number): DeviceClassFit {
  const accepts = acceptsOf([row]);
  const needed = row.need.kind === 'estimated' ? row.need.requiredBytes.expected : 0;
  const { seenAtMs, smallestBytes, largestBytes } = row.facts;
  const now = row.verdict === 'will-not-fit' ? 0 : podsNow(room, (lot) => (accepts(lot as Lot) ? needed : null));
  const isShort = row.verdict !== 'will-not-fit' && needed > 0 && now < podsNeeded;
  const occupants = isShort ? occupantsOf(room, (lot) => accepts(lot as Lot), needed) : [];
  return {
    deviceClass: row.deviceClass.name,
    capacityBytes: { smallest: smallestBytes, largest: largestBytes },
    requiredBytes: row.need.kind === 'estimated' ? row.need.requiredBytes : nothing,
    verdict: row.verdict,
    nodes: row.nodes,
    devices: row.devices,
    podsEver: podsEver(room, accepts),
    podsNow: now,
    ...(occupants.length > 0 ? { occupants } : {}),
    oldestSampleMs: Number.isFinite(seenAtMs) ? seenAtMs : 0,
  };
}

/** Whether a node gives a pod nothing but accepted devices. */
export function onlyAccepted(room: Room, accepts: Accepts): (group: Room['groups'][number]) => boolean {
  return (group) => group.stock.lots.every(accepts) && podsPerNode(room, group, accepts) > 0;
}
