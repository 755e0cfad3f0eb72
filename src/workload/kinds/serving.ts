import type { Field } from '../field.js';
import { readPodSet } from '../pod-template/pod-set.js';
import type { KindReading } from '../workload.js';

/** Reads a controller that keeps `replicas` pods of one template running for as long as it exists. */
export function readServing(object: Field): KindReading {
  const spec = object.get('spec');
  const replicas = spec.get('replicas').count(1);
  const podSet = readPodSet(spec.get('template'), { name: 'main', role: 'server', replicas });
  if (podSet.devices.length > 0) object.log.note('keeps its pods running: read as serving, not as training');
  return { podSets: [podSet], gangSize: null, suspended: false, purpose: 'serving' };
}
