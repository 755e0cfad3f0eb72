import { INHERITED } from '../run/device-runs.js';
import { modelExample } from '../run/model-examples.js';
import type { Unknown } from '../run/setting.js';
import type { PodSet, Workload } from '../workload/workload.js';
import type { Declaration } from './declaration.js';
import { parseDeclaration, RUN_ANNOTATION } from './declaration.js';
import type { Grammars } from './grammars.js';
import type { Candidate } from './pod-set-commands.js';
import { podSetCandidates } from './pod-set-commands.js';
import type { ProcessFacts } from './processes.js';
import type { ProgramContext } from './programs/program.js';
import type { FilesAlongside, RunReading } from './reading.js';
import { buildRun } from './run-builder.js';
import { RunDraft } from './run-draft.js';

interface Alongside {
  files: FilesAlongside;
  grammars: Grammars;
}

/**
 * Reads what each pod set with GPUs trains: every field with where it came from, what stays unknown, and why pods that
 * do not train do not. Synchronous and bounded; whatever the manifest holds, nothing is thrown for it.
 */
export function readRuns(workload: Workload, files: FilesAlongside, grammars: Grammars): RunReading[] {
  const declaration = declared(workload);
  const withGpus = workload.podSets.filter((podSet) => podSet.devices.length > 0);
  return withGpus.flatMap((podSet) => readPodSet(podSet, workload, declaration, { files, grammars }));
}

function declared({ annotations }: Workload): Declaration {
  const yaml = annotations[RUN_ANNOTATION];
  if (yaml === undefined) return { settings: new Map(), besides: new Map(), notes: [] };
  return parseDeclaration(yaml, { document: 'manifest', path: `metadata.annotations["${RUN_ANNOTATION}"]` });
}

function readPodSet(podSet: PodSet, workload: Workload, declaration: Declaration, alongside: Alongside): RunReading[] {
  if (workload.purpose === 'serving') return [notTraining(podSet, 'serves: not a training run')];
  const { candidates, notes } = podSetCandidates(podSet, workload, alongside);
  const draft = new RunDraft();
  for (const [field, setting] of declaration.settings) draft.set(field, setting);
  for (const [role, settings] of declaration.besides) {
    const other = draft.beside(role);
    for (const [field, setting] of settings) other.set(field, setting);
  }
  for (const note of [...declaration.notes, ...notes]) draft.note(note);
  const training = candidates.filter((candidate) => candidate.program !== null);
  const [first] = training;
  if (first) return readProgram(first, { podSet, draft, others: training.length - 1, alongside });
  return withoutProgram({ podSet, draft, others: 0, alongside }, candidates, workload.reference.kind);
}

function notTraining(podSet: PodSet, reason: string): RunReading {
  return { podSet: podSet.name, training: false, role: 'model', run: null, unknown: [], notes: [reason] };
}

interface Subject {
  podSet: PodSet;
  draft: RunDraft;
  /** Further training commands of the same container. */
  others: number;
  alongside: Alongside;
}

function readProgram(candidate: Candidate, { podSet, draft, others, alongside }: Subject): RunReading[] {
  const { invocation, launched, versions, files } = candidate;
  const context: ProgramContext = {
    program: candidate.program,
    invocation,
    draft,
    versions,
    files,
    grammars: alongside.grammars,
    says: launched.says,
    launchers: launched.launchers,
    devicesPerPod: devicesPerPod(podSet),
  };
  for (const note of launched.says.notes ?? []) draft.note(note);
  readAllocator(context);
  candidate.program?.read(context);
  readInitializer(podSet, draft);
  if (others > 0) draft.note(`${others} more training command(s) run after this one; the first is read`);
  if (candidate.conditional)
    draft.note('the training command runs only where a condition holds that is not known here');
  return finish(podSet, context);
}

/** A TrainJob's initializer names the model that it puts on the volume: `hf://meta-llama/Llama-3.2-1B`. */
function readInitializer({ launch }: PodSet, draft: RunDraft): void {
  const said = launch.statements.find(({ name }) => name === 'model');
  const name = said?.value.startsWith(HUB) ? said.value.slice(HUB.length) : said?.value;
  if (!said || !name) return;
  const span = { start: said.value.length - name.length, end: said.value.length };
  const place = { document: 'manifest', path: said.path, span, text: name.slice(0, 200) };
  draft.read('model', { name: name.slice(0, 300), catalogId: null, config: null }, place);
}

const HUB = 'hf://';

/** The run that was read, and those that share its device. */
function finish(podSet: PodSet, context: ProgramContext): RunReading[] {
  const { draft } = context;
  const besides = [...draft.besides.values()];
  if (besides.length > 0 && draft.role === 'model') draft.role = 'policy';
  const main = finishOne(podSet, context, draft);
  return [main, ...besides.map((other) => finishOne(podSet, context, withInherited(other, draft)))];
}

function finishOne(podSet: PodSet, context: ProgramContext, draft: RunDraft): RunReading {
  const run = buildRun(draft, processFacts(podSet, context), context.versions);
  if (run.model.value === null) draft.leaveOpen('model', NO_MODEL, modelExample(run.task.value));
  return {
    podSet: podSet.name,
    training: true,
    role: draft.role,
    run,
    unknown: unknownOf(draft, run.parallelism.sharding.value).map((unknown) => inRole(unknown, draft.role, context)),
    notes: draft.notes,
  };
}

const NO_MODEL = 'nothing in the manifest says which model is trained';

/** What is open of a further run is declared under its role. */
function inRole(unknown: Unknown, role: string, { draft }: ProgramContext): Unknown {
  const { field, reason, declare } = unknown;
  if (role === draft.role) return unknown;
  const under = declare === undefined ? {} : { declare: `runs: {${role}: {${declare}}}` };
  return { field: `${role}.${field}`, reason, ...under };
}

function withInherited(draft: RunDraft, main: RunDraft): RunDraft {
  for (const field of INHERITED) {
    const setting = main.settings.get(field);
    if (setting !== undefined && !draft.isOpen(field)) draft.set(field, setting);
  }
  draft.default('activity', 'forward', {
    of: 'plimsoll.dev/run',
    note: 'what runs beside the trained model evaluates',
  });
  return draft;
}

function processFacts(podSet: PodSet, { says, launchers, devicesPerPod }: ProgramContext): ProcessFacts {
  return {
    says,
    launchers,
    operator: podSet.launch,
    devicesPerPod,
    replicas: podSet.replicas,
    replicasOpen: podSet.replicasUnresolved.length > 0 || podSet.launch.nodesUnresolved.length > 0,
  };
}

/** GPUs of a pod; null where the manifest leaves their number to another tool. */
function devicesPerPod({ devices }: PodSet): number | null {
  if (devices.some((device) => device.unresolved)) return null;
  return Math.max(
    1,
    devices.reduce((sum, device) => sum + device.count, 0),
  );
}

const ALLOCATOR_VARIABLES = ['PYTORCH_ALLOC_CONF', 'PYTORCH_CUDA_ALLOC_CONF'];

function readAllocator({ invocation, draft }: ProgramContext): void {
  for (const name of ALLOCATOR_VARIABLES) {
    const value = invocation.env.get(name);
    if (!value) continue;
    if (value.isResolved) draft.read('allocator', value.text.slice(0, 500), value.place());
    else draft.note(`${name}: ${value.unresolved[0] ?? 'unknown'}`);
  }
}

/** Where every rank holds the whole model, the number of ranks decides nothing of its memory. */
function unknownOf(draft: RunDraft, sharding: string): Unknown[] {
  const isReplicated = sharding === 'none' || sharding === 'ddp';
  const kept: Unknown[] = [];
  for (const unknown of draft.unknown()) {
    const isCount = unknown.field === 'nodes' || unknown.field === 'processesPerNode';
    if (isSettled(draft, unknown.field)) continue;
    if (isCount && isReplicated) draft.note(`${unknown.field}: ${unknown.reason}`);
    else kept.push(unknown);
  }
  return kept;
}

/** What the whole program leaves open stays so, whatever its fields say. */
const WHOLE: ReadonlySet<string> = new Set(['program', 'framework']);

const isSettled = (draft: RunDraft, field: string): boolean => {
  if (WHOLE.has(field)) return false;
  const kind = [...draft.settings].find(([name]) => name === field)?.[1].evidence.kind;
  return kind === 'declared' || kind === 'read';
};

/** No program is known: a declaration can still settle the run, else it is unknown or no training at all. */
function withoutProgram(subject: Subject, candidates: readonly Candidate[], kind: string): RunReading[] {
  const { podSet, draft } = subject;
  const [candidate] = candidates;
  if (candidate && draft.has('model')) return readProgram(candidate, subject);
  const reasons = candidates.flatMap(({ notTraining: reason }) => reason ?? []);
  const isIdle = candidates.length > 0 && reasons.length === candidates.length;
  if (isIdle) return [notTraining(podSet, `not a training run: the container ${reasons[0] ?? ''}`)];
  for (const note of candidates.flatMap(({ invocation }) => invocation.sourceMissing ?? [])) draft.note(note);
  const unknown = [OTHER_FRAMEWORKS[kind] ?? unknownProgram(candidates)];
  return [{ podSet: podSet.name, training: true, role: 'model', run: null, unknown, notes: draft.notes }];
}

const otherFramework = (name: string): Unknown => ({
  field: 'framework',
  reason: `${name} trainings are not read, and their memory is not worked out`,
});

/** Kinds whose operators start trainings of frameworks that are not PyTorch. */
const OTHER_FRAMEWORKS: Readonly<Record<string, Unknown>> = {
  JAXJob: otherFramework('JAX'),
  XGBoostJob: otherFramework('XGBoost'),
  PaddleJob: otherFramework('PaddlePaddle'),
};

/** The command that most likely trains: a Python script behind a launcher before anything else. */
function unknownProgram(candidates: readonly Candidate[]): Unknown {
  const weight = ({ invocation, launched }: Candidate): number =>
    (launched.launchers.length > 0 ? 2 : 0) + (invocation.kind === 'script' || invocation.kind === 'module' ? 1 : 0);
  const [candidate] = [...candidates].sort((a, b) => weight(b) - weight(a));
  const name = candidate?.invocation.written.text.slice(0, 100);
  return {
    field: 'program',
    reason: name ? `${name} is no program that is known here` : 'the command is in the image',
    declare: 'model: meta-llama/Llama-3.1-8B',
  };
}
