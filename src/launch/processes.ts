import type { Evidence } from '../run/setting.js';
import type { RunField } from '../run/training-run.js';
import type { LaunchFacts } from '../workload/workload.js';
import type { LaunchSays, Said } from './launchers/launcher.js';
import type { RunDraft } from './run-draft.js';

/** Where processes are counted from. */
export interface ProcessFacts {
  says: LaunchSays;
  launchers: readonly string[];
  operator: LaunchFacts;
  /** GPUs that each pod asks for; null where another tool fills that in. */
  devicesPerPod: number | null;
  replicas: number;
  /** Whether the number of pods is filled in by another tool. */
  replicasOpen: boolean;
}

interface Count {
  value: number;
  evidence: Evidence;
  range?: { low: number; high: number };
}

/** Most processes that a node is taken to have where their number is left open: what GPU servers commonly hold. */
const COMMON_GPUS_PER_NODE = 8;

/** Counts nodes and processes per node from launchers, operator and devices, and says what is left open. */
export function readProcesses(draft: RunDraft, facts: ProcessFacts): void {
  const perNode = processesPerNode(draft, facts);
  put(draft, 'processesPerNode', perNode);
  put(draft, 'nodes', nodes(draft, facts, (draft.value('processesPerNode') as number | undefined) ?? 1));
}

function put(draft: RunDraft, field: RunField, { value, evidence, range }: Count): void {
  draft.set(field, { value, evidence, ...(range ? { range } : {}) });
}

function processesPerNode(draft: RunDraft, facts: ProcessFacts): Count {
  const { says } = facts;
  if (says.processesPerNode) return fromSaid(draft, says.processesPerNode, facts);
  if (says.worldSize) return fromTotal(draft, says.worldSize, facts);
  const { processesPerPod } = facts.operator;
  if (facts.launchers.length > 0 && typeof processesPerPod === 'number')
    return derived(processesPerPod, 'processes per pod of the operator');
  return declaredSharding(draft, facts) ?? derived(1, 'one process in each pod: no launcher starts more');
}

/** A declared sharding has more ranks than one, whatever starts them. */
function declaredSharding(draft: RunDraft, { devicesPerPod }: ProcessFacts): Count | null {
  const declared = draft.settings.get('parallelism.sharding');
  if (declared?.evidence.kind !== 'declared' || declared.value === 'none' || devicesPerPod === null) return null;
  return ofDevices(devicesPerPod, 'the sharding declared, over the GPUs of the pod');
}

function fromSaid(draft: RunDraft, said: Said, facts: ProcessFacts): Count {
  if ('unresolved' in said) return openProcesses(draft, said.unresolved);
  if (said.value !== 'gpu')
    return { value: said.value, evidence: evidenceOf(said, 'the launcher starts this many by default') };
  if (facts.devicesPerPod !== null) return ofDevices(facts.devicesPerPod, 'one process for each GPU of the pod');
  return openProcesses(draft, 'one process for each GPU, and the number of GPUs is not filled in');
}

/** `-np` and `--num_processes` count all nodes together. */
function fromTotal(draft: RunDraft, total: Said, facts: ProcessFacts): Count {
  if ('unresolved' in total) return openProcesses(draft, total.unresolved);
  if (total.value === 'gpu') return fromSaid(draft, total, facts);
  const machines = nodesOfTotal(facts, total.value);
  const perNode = Math.max(1, Math.floor(total.value / machines));
  if (machines === 1) return { value: perNode, evidence: evidenceOf(total, 'the launcher starts this many') };
  return derived(perNode, `${total.value} processes over ${machines} nodes`);
}

function nodesOfTotal({ says, operator, devicesPerPod, replicas }: ProcessFacts, total: number): number {
  const said = says.nodes && 'value' in says.nodes && says.nodes.value !== 'gpu' ? says.nodes.value : null;
  const slots = typeof operator.processesPerPod === 'number' ? operator.processesPerPod : (devicesPerPod ?? 1);
  return said ?? Math.max(1, Math.min(Math.ceil(total / slots), replicas));
}

function nodes(draft: RunDraft, facts: ProcessFacts, perNode: number): Count {
  const { says, operator } = facts;
  if (says.nodes && 'unresolved' in says.nodes) return openNodes(draft, says.nodes.unresolved);
  if (says.nodes && says.nodes.value !== 'gpu') return saidNodes(says.nodes.value, says.nodes);
  if (says.worldSize && 'value' in says.worldSize && says.worldSize.value !== 'gpu')
    return derived(Math.max(1, Math.ceil(says.worldSize.value / perNode)), 'all processes ÷ processes per node');
  if (operator.nodes === null) return derived(1, 'each pod trains by itself: nothing joins them');
  if (facts.replicasOpen) return openNodes(draft, 'the number of pods is not filled in');
  return derived(operator.nodes, 'pods that the operator joins to one training');
}

function saidNodes(value: number, said: Extract<Said, { value: unknown }>): Count {
  const evidence = evidenceOf(said, 'the launcher takes one node by default');
  const range = said.low !== undefined && said.low < value ? { low: value, high: said.low } : undefined;
  return { value, evidence, ...(range ? { range } : {}) };
}

const derived = (value: number, rule: string): Count => ({
  value,
  evidence: { kind: 'derived', from: ['launcher', 'workload'], rule },
});

const ofDevices = (value: number, rule: string): Count => ({
  value,
  evidence: { kind: 'derived', from: ['launcher', 'devices'], rule },
});

function evidenceOf(said: Extract<Said, { value: unknown }>, rule: string): Evidence {
  return said.place ? { kind: 'read', place: said.place } : { kind: 'derived', from: ['launcher'], rule };
}

function openProcesses(draft: RunDraft, reason: string): Count {
  draft.leaveOpen('processesPerNode', reason, `processesPerNode: ${COMMON_GPUS_PER_NODE}`);
  const value = COMMON_GPUS_PER_NODE;
  return { value, evidence: { kind: 'assumed', reason }, range: { low: value, high: 1 } };
}

function openNodes(draft: RunDraft, reason: string): Count {
  draft.leaveOpen('nodes', reason, 'nodes: 1');
  return { value: 1, evidence: { kind: 'assumed', reason }, range: { low: 4, high: 1 } };
}
