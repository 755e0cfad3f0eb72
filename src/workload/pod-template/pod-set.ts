import type { Count } from '../count.js';
import type { Field } from '../field.js';
import type { LaunchFacts, Placement, PodSet } from '../workload.js';
import { readPodClaims } from './claims.js';
import type { ReadContainer } from './containers.js';
import { readContainers } from './containers.js';
import { readPlacement } from './placement.js';
import { effectiveAmounts, effectiveDevices } from './pod-devices.js';
import { readAmounts } from './resources.js';
import { readTopology } from './topology.js';

/** What an operator knows of a pod set; the rest is in the template. */
export interface PodSetFacts {
  name: string;
  role: string;
  replicas: Count;
  launch?: Partial<LaunchFacts>;
}

export const NO_LAUNCH_FACTS: LaunchFacts = {
  processesPerPod: null,
  nodes: null,
  nodesUnresolved: [],
  worldSize: null,
  env: {},
  startedBy: null,
  statements: [],
};

/**
 * Reads a pod template (or a Pod, which has the same members) into a pod set. Throws UnreadableManifest with the path
 * of what is wrong.
 */
export function readPodSet(template: Field, facts: PodSetFacts): PodSet {
  const spec = template.get('spec');
  const annotations = template.get('metadata', 'annotations');
  const read = readContainers(spec, annotations);
  return {
    name: facts.name,
    role: facts.role,
    replicas: facts.replicas.value,
    replicasUnresolved: facts.replicas.unresolved,
    path: spec.path,
    containers: read.map(({ container }) => container),
    devices: effectiveDevices(read.map(({ role, container }) => ({ role, asks: container.devices }))),
    placement: {
      ...readPlacement(spec, podAmounts(spec, read)),
      ...claimsOf(spec),
      ...topologyOf(template, facts.replicas.value),
    },
    annotations: annotations.textRecord(),
    launch: { ...NO_LAUNCH_FACTS, ...facts.launch },
  };
}

function claimsOf(spec: Field): Pick<Placement, 'claims'> {
  const claims = readPodClaims(spec);
  return claims.length === 0 ? {} : { claims };
}

function topologyOf(template: Field, pods: number): Pick<Placement, 'topology'> {
  const topology = readTopology(template, pods);
  return topology.length === 0 ? {} : { topology };
}

/** Pod-level resources (KEP-2837) stand for the containers' where given; the runtime's overhead comes on top. */
function podAmounts(spec: Field, read: readonly ReadContainer[]): Record<string, number> {
  const containers = effectiveAmounts(read.map(({ role, otherAmounts }) => ({ role, asks: otherAmounts })));
  const amounts = new Map([...Object.entries(containers), ...readAmounts(spec.get('resources')).native]);
  for (const [name, field] of spec.get('overhead').entries()) {
    amounts.set(name, (amounts.get(name) ?? 0) + field.amount(0).value);
  }
  return Object.fromEntries(amounts);
}
