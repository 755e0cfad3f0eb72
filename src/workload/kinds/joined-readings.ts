import type { KindReading, PodSet } from '../workload.js';

/** Several readings as one: names of pod sets get the prefix of their part, gangs add up. */
export function joinReadings(parts: readonly { prefix: string; reading: KindReading }[]): KindReading {
  const gangs = parts.map(({ reading }) => reading.gangSize);
  const serving = parts.every(({ reading }) => reading.purpose === 'serving');
  return {
    podSets: parts.flatMap(({ prefix, reading }) => reading.podSets.map((podSet) => prefixed(podSet, prefix))),
    gangSize: gangs.some((gang) => gang === null) ? null : gangs.reduce<number>((all, gang) => all + (gang ?? 0), 0),
    suspended: parts.some(({ reading }) => reading.suspended),
    purpose: parts.length > 0 && serving ? 'serving' : 'training',
  };
}

function prefixed(podSet: PodSet, prefix: string): PodSet {
  if (prefix === '') return podSet;
  const { startedBy } = podSet.launch;
  const launch = { ...podSet.launch, startedBy: startedBy === null ? null : prefix + startedBy };
  return { ...podSet, name: prefix + podSet.name, launch };
}
