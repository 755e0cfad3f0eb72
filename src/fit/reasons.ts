import type { Interval } from '../memory/estimate.js';
import { allowanceOf } from './capacity.js';
import type { ClassRow } from './class-fit.js';
import { acceptsOf } from './class-fit.js';
import type { Demand } from './demand.js';
import { podsEver } from './room.js';
import type { Basis } from './observed-need.js';
import type { Room } from './room.js';
import { topologyWords } from './topology.js';
import { counted, gib, listed } from './words.js';

interface Placed {
  demand: Demand;
  room: Room;
  podsNeeded: number;
}

const smallestFirst = (rows: readonly ClassRow[]): ClassRow[] =>
  [...rows].sort((a, b) => a.facts.smallestBytes - b.facts.smallestBytes);

const requiredOf = (row: ClassRow | undefined): Interval | null =>
  row?.need.kind === 'estimated' ? row.need.requiredBytes : null;

/** What the device gives, with its name: `79.2 GiB (NVIDIA A100-SXM4-80GB)`. */
function allowance(row: ClassRow, demand: Demand): string {
  const lot = { deviceClass: row.deviceClass, bandBytes: row.facts.smallestBytes };
  const { promisedBytes } = allowanceOf(lot, demand);
  const share = promisedBytes < row.facts.smallestBytes ? `a share of ${gib(promisedBytes)} of ` : '';
  return `${share}${gib(row.facts.smallestBytes)} (${row.deviceClass.name})`;
}

/** `used 61.3 GiB before (estimate 58.0 GiB)`; what the estimate says where nothing was seen. */
function need(row: ClassRow | undefined, interval: Interval): string {
  const basis = row?.need.kind === 'estimated' ? row.need.basis : undefined;
  return basis === undefined ? needed(interval) : seenWords(basis);
}

function seenWords({ standing, bytes, estimated }: Basis): string {
  const aside = estimated === null ? '' : ` (estimate ${gib(estimated.expected)})`;
  if (standing === 'measured') return `used ${gib(bytes)} before${aside}`;
  if (standing === 'upper-bound') return `ran with ${gib(bytes)} before${aside}`;
  if (standing === 'out-of-memory') return `was out of memory with ${gib(bytes)} before${aside}`;
  return `ran before and was out of memory with ${gib(bytes)} before${aside}`;
}

function needed(interval: Interval): string {
  // A low end of nothing is that of a program that was only guessed.
  const wide = interval.low > 0 && interval.high - interval.low > 0.05 * interval.expected;
  const range = wide ? ` (${gib(interval.low)} to ${gib(interval.high)})` : '';
  return `needs ${gib(interval.expected)}${range}`;
}

/** `needs 34.1 GiB, the smallest device has 79.2 GiB (NVIDIA A100-SXM4-80GB)` */
export function fits({ demand }: Placed, rows: readonly ClassRow[]): string {
  const [smallest] = smallestFirst(rows);
  const required = requiredOf(smallest);
  if (smallest === undefined || required === null) return 'fits';
  const subject = rows.length === 1 ? 'the device has' : 'the smallest device has';
  return `${need(smallest, required)}, ${subject} ${allowance(smallest, demand)}`;
}

/** `needs 171.2 GiB, the largest device has 79.2 GiB (NVIDIA A100-SXM4-80GB)` */
export function willNotFit(placed: Placed, rows: readonly ClassRow[], possible: readonly ClassRow[]): string {
  if (possible.length > 0) return tooFewThatFit(placed, possible);
  const { demand } = placed;
  const largest = smallestFirst(rows).at(-1);
  const required = requiredOf(largest);
  if (largest === undefined || required === null) return 'does not fit';
  const subject = rows.length === 1 ? 'the device has' : 'the largest device has';
  return `${need(largest, required)}, ${subject} ${allowance(largest, demand)}`;
}

function tightAsSeen({ need: held }: ClassRow, required: Interval, device: string): string | null {
  if (held.kind === 'unknown' || held.basis === undefined) return null;
  return `${seenWords(held.basis)}: may need ${gib(required.low)} to ${gib(required.high)} of ${device}`;
}

/** Says on which side of the capacity the run is expected. */
export function tight({ demand }: Placed, rows: readonly ClassRow[]): string {
  const largest = smallestFirst(rows.filter((row) => row.verdict === 'tight')).at(-1);
  const required = requiredOf(largest);
  if (largest === undefined || required === null) return 'tight';
  const lot = { deviceClass: largest.deviceClass, bandBytes: largest.facts.smallestBytes };
  const { promisedBytes, limitBytes } = allowanceOf(lot, demand);
  const device = allowance(largest, demand);
  const seen = tightAsSeen(largest, required, device);
  if (seen !== null) return seen;
  const guessed = largest.need.kind === 'estimated' ? largest.need.guessed : null;
  if (guessed !== null && required.expected > limitBytes)
    return `needs ${gib(required.expected)}, more than the ${device}, if ${guessed} does what its flags say: it is not known`;
  const spread = `needs ${gib(required.expected)} (${gib(required.low)} to ${gib(required.high)})`;
  if (limitBytes > promisedBytes && required.high > promisedBytes)
    return `${spread} of ${device}, and nothing enforces the share: it runs only while its neighbours leave room`;
  if (required.expected > promisedBytes) return `${spread}, more than the ${device} if it goes as expected`;
  return `${spread}: fits ${device} if it goes as expected, not at its highest`;
}

/** Names what fits and what does not. */
export function fitsSome({ demand }: Placed, fitting: readonly ClassRow[], all: readonly ClassRow[]): string {
  const [smallest] = smallestFirst(fitting);
  const required = requiredOf(smallest);
  const others = all.filter((row) => !fitting.includes(row)).map((row) => allowance(row, demand));
  const names = [...new Set(fitting.map((row) => row.deviceClass.name))];
  const spread = required === null ? '' : `${need(smallest, required)}: `;
  return `${spread}fits ${listed(names)}, but its pods may also be given ${listed(others)}`;
}

/** The fields that keep an estimate from being made, or the devices that nothing describes. */
export function unknown(rows: readonly ClassRow[]): string {
  const unknowns = rows.flatMap((row) => (row.need.kind === 'unknown' ? row.need.unknown : []));
  const words = [...new Set(unknowns.map(({ field, reason }) => `${field}: ${reason}`))];
  if (words.length > 0) return listed(words, 3);
  return `no capacity is known for ${listed([...new Set(rows.map((row) => row.deviceClass.resource))])}`;
}

const obstacleWords = (room: Room): string =>
  listed(
    [...room.obstacles]
      .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
      .map(([words, nodes]) => `${nodes} ${words}`),
  );

const asks = ({ demand, podsNeeded, room }: Placed): string =>
  `${podsNeeded > 1 ? `${podsNeeded} pods at once, each with ` : 'asks for '}${demand.count} ${demand.written}${topologyWords(room.topology)}`;

function tooFewThatFit(placed: Placed, possible: readonly ClassRow[]): string {
  const names = [...new Set(possible.map((row) => row.deviceClass.name))];
  const places = podsEver(placed.room, acceptsOf(possible));
  return `${asks(placed)}; it fits only ${listed(names)}, where there is room for ${counted(places, 'pod')}`;
}

/** Why there is no place: node by node where no node will do, by numbers where there are too few. */
export function unschedulable(placed: Placed, all: readonly ClassRow[]): string {
  const { room } = placed;
  const places = podsEver(room, acceptsOf(all));
  if (places > 0) return `${asks(placed)}; there is room for ${counted(places, 'pod')}`;
  const untied = podsEver({ ...room, topology: [] }, acceptsOf(all));
  if (untied > 0) return `${asks(placed)}; there is room for ${counted(untied, 'pod')}, but not on such nodes`;
  return `${asks(placed)}; of ${counted(room.nodesSeen, 'node')}: ${obstacleWords(room)}`;
}
