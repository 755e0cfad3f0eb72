import { fingerprintOf } from '../../src/advisor/fingerprint.js';
import { withAdvice } from '../../src/cli/apply-advice.js';
import { readManifests } from '../../src/cli/input/manifests.js';
import type { GivenFile, ManifestInput, ManifestSet } from '../../src/cli/input/manifests.js';
import { advise, subjectsOf } from '../../src/fit/advice/advise.js';
import type { AdviceQuestion } from '../../src/fit/advice/advise.js';
import { editedBeside, editedRun } from '../../src/fit/advice/edits.js';
import { Evaluator } from '../../src/fit/advice/evaluation.js';
import { rungsOf } from '../../src/fit/advice/ladder.js';
import { changesOf } from '../../src/fit/advice/phrase.js';
import { ADVICE_KINDS } from '../../src/fit/advice/kinds.js';
import type { Edit, Subject } from '../../src/fit/advice/proposal.js';
import type { Advice, Change, Verdict } from '../../src/fit/assessment.js';
import { indexCluster } from '../../src/fit/cluster.js';
import type { Cluster } from '../../src/fit/cluster.js';
import { fitWorkload } from '../../src/fit/workload-fit.js';
import type { PodSetRun } from '../../src/fit/workload-fit.js';
import type { Grammars } from '../../src/launch/grammars.js';
import { optionsOf } from '../../src/launch/programs/table.js';
import { readRuns } from '../../src/launch/read-runs.js';
import { RUN_FIELDS, settingAt } from '../../src/run/fields.js';
import { runFingerprint } from '../../src/run/fingerprint.js';
import type { RunField, TrainingRun } from '../../src/run/training-run.js';
import { readWorkload } from '../../src/workload/read-workload.js';
import { node, snapshot } from './cluster.js';
import { estimateOf } from './run.js';

const GIB = 1024 ** 3;

/** Nodes of many kinds, so that every kind of advice finds something to propose. */
export const MIXED_CLUSTER: Cluster = indexCluster(
  snapshot(
    node('a100', [{ gib: 79.2, count: 8 }]),
    node('a100-small', [{ model: 'NVIDIA A100-SXM4-40GB', gib: 39.5, count: 8 }]),
    node('l4', [{ model: 'NVIDIA L4', gib: 22, count: 4 }]),
    node('t4', [{ model: 'Tesla T4', gib: 14.5, count: 4 }]),
    node('slices', [
      {
        model: 'NVIDIA H100 80GB HBM3',
        gib: 39.5,
        count: 4,
        migProfile: '3g.40gb',
        resource: 'nvidia.com/mig-3g.40gb',
      },
    ]),
  ),
);

/** A number in [0, 1) that a text decides: FNV-1a, 32 bits. */
function fractionOf(text: string): number {
  let hash = 2_166_136_261;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 16_777_619) >>> 0;
  return hash / 2 ** 32;
}

/**
 * A need that every setting of a run decides and nothing else: two runs that differ in anything need different amounts,
 * so that a promise can only be kept by the very run that was promised.
 */
function needOf(run: TrainingRun): number {
  return (1 + fractionOf(runFingerprint(run)) * 100) * GIB;
}

/** Everything that advice is sought with, for one workload of a set. */
export function adviceQuestion(input: ManifestInput, set: ManifestSet, grammars: Grammars): AdviceQuestion | null {
  const { manifest } = input;
  const workload = readWorkload(manifest, set.objectsFor(manifest));
  if (workload === null || workload.owner !== null) return null;
  const files = set.filesFor(manifest);
  const runs = readRuns(workload, files, grammars);
  const question = {
    workload,
    runs: runs.map((reading) => ({ ...reading, unknown: [] })),
    cluster: MIXED_CLUSTER,
    estimate: (run: TrainingRun) => ({ estimate: estimateOf(interval(needOf(run))) }),
    estimateTogether: (all: readonly { run: TrainingRun }[]) => {
      const needed = interval(all.reduce((sum, { run }) => sum + needOf(run), 0) / all.length);
      return { together: estimateOf(needed), alone: [] };
    },
    traitsOf: (model: string) => ({
      model,
      vendor: 'nvidia' as const,
      computeCapability: model === 'Tesla T4' ? 7.5 : 9,
    }),
  };
  const documents = { manifest, configMap: (name: string) => files.configMap(name) };
  return {
    ...question,
    fit: fitWorkload(question),
    documents,
    modelOf: () => ({ modelType: 'llama', config: {} }),
    optionsOf,
    fingerprintOf,
  };
}

const interval = (bytes: number): { low: number; expected: number; high: number } => ({
  low: bytes * 0.98,
  expected: bytes,
  high: bytes * 1.02,
});

/** One proposal that is written into a manifest, and what comes of it. */
export interface Kept {
  kind: string;
  changes: readonly Change[];
  /** Differences between what was promised and what is read; empty where the promise is kept. */
  broken: readonly string[];
  /** The changed text, for a look at it. */
  text: string;
}

function differences(promised: TrainingRun, read: TrainingRun): string[] {
  return RUN_FIELDS.flatMap((field: RunField) => {
    const [wanted, got] = [settingAt(promised, field), settingAt(read, field)];
    const [a, b] = [
      [wanted.value, wanted.range],
      [got.value, got.range],
    ].map((each) => JSON.stringify(each));
    return a === b ? [] : [`${field}: ${a} was promised, ${b} is read`];
  });
}

/** What every pod set trains, by its name and the run's role. */
function trainedBy(runs: readonly PodSetRun[]): Map<string, TrainingRun> {
  const trained = runs.flatMap(({ podSet, role, training, run }) =>
    training && run !== null ? [[`${podSet} ${role}`, run] as const] : [],
  );
  return new Map(trained);
}

/** The runs as a proposal promises them: its subject's changed, those beside it as far as it concerns them. */
function promisedRuns(
  { podSets, role, runs: own, run: first }: Subject,
  edits: readonly Edit[],
  runs: readonly PodSetRun[],
): PodSetRun[] {
  const names = new Set(podSets.map(({ name }) => name));
  return runs.map((reading) => {
    if (reading.run === null || !names.has(reading.podSet)) return reading;
    const trained = own.find(({ podSet }) => podSet.name === reading.podSet)?.run ?? first;
    const run = reading.role === role ? editedRun(reading.run, edits) : editedBeside(reading.run, trained, edits);
    return { ...reading, run };
  });
}

function reread(input: ManifestInput, set: ManifestSet, changed: readonly GivenFile[]): [ManifestSet, ManifestInput] {
  const texts = new Map(set.files.map((file) => [file.name, file]));
  for (const file of changed) texts.set(file.name, file);
  const again = readManifests([...texts.values()]);
  const found = again.manifests.find(({ source }) => source === input.source);
  if (found === undefined) throw new Error(`${input.source} is not there any more`);
  return [again, found];
}

interface Promised {
  kind: string;
  subject: Subject;
  edits: readonly Edit[];
  verdict: Verdict;
}

interface Scene {
  input: ManifestInput;
  set: ManifestSet;
  grammars: Grammars;
}

/** The manifest with changes made, read and matched again; with the changed text. */
function again(
  changes: readonly Change[],
  { input, set, grammars }: Scene,
): { after: AdviceQuestion | null; text: string } {
  const advice = { summary: '', changes };
  const changed = withAdvice(advice, input, set);
  const [read, found] = reread(input, set, changed);
  return { after: adviceQuestion(found, read, grammars), text: changed.map((file) => file.text).join('\n---\n') };
}

function brokenOf(
  { subject, edits, verdict }: Promised,
  after: AdviceQuestion | null,
  before: AdviceQuestion,
): string[] {
  if (after === null) return ['it is no workload any more'];
  const promised = trainedBy(promisedRuns(subject, edits, before.runs));
  const read = trainedBy(after.runs);
  const words = [...promised].flatMap(([name, run]) => {
    const found = read.get(name);
    if (found === undefined) return [`${name} is not read any more`];
    return differences(run, found).map((each) => `${name} ${each}`);
  });
  if (after.fit.verdict === verdict) return words;
  return [...words, `verdict: ${verdict} was promised, ${after.fit.verdict} is found`];
}

/** Every proposal of one subject, of every kind, whatever its verdict asks for; with what is promised of it. */
function promisesOf(subject: Subject, question: AdviceQuestion): Promised[] {
  const evaluator = new Evaluator(question, subject, 10_000);
  return ADVICE_KINDS.flatMap((kind) =>
    rungsOf(kind, subject).flatMap(({ edits }) => {
      const outcome = evaluator.evaluate(edits);
      return outcome === null ? [] : [{ kind: kind.name, subject, edits, verdict: outcome.verdict }];
    }),
  );
}

const isPatched = (changes: readonly Change[]): boolean =>
  changes.length > 0 && changes.every(({ patches }) => patches.length > 0);

function scenesOf(set: ManifestSet, grammars: Grammars): (Scene & { question: AdviceQuestion })[] {
  return set.manifests.flatMap((input) => {
    const question = adviceQuestion(input, set, grammars);
    return question === null ? [] : [{ input, set, grammars, question }];
  });
}

/** Writes every proposal that can be written into the manifest that it is for, each by itself, and reads it again. */
export function keptPromises(set: ManifestSet, grammars: Grammars): Kept[] {
  return scenesOf(set, grammars).flatMap(({ question, ...scene }) =>
    subjectsOf(question).flatMap((subject) =>
      promisesOf(subject, question).flatMap((promise) => {
        const changes = changesOf(promise.edits, subject, question.documents);
        if (!isPatched(changes)) return [];
        const { after, text } = again(changes, scene);
        return [{ kind: promise.kind, changes, broken: brokenOf(promise, after, question), text }];
      }),
    ),
  );
}

function brokenAdvice({ fingerprint, verdict }: Advice, after: AdviceQuestion | null): string[] {
  if (after === null) return ['it is no workload any more'];
  const podSets = [...new Set(after.runs.map(({ podSet }) => podSet))];
  const read = podSets.map((name) => fingerprintOf(after.runs.filter((run) => run.training && run.podSet === name)));
  return [
    ...(read.includes(fingerprint) ? [] : ['another run is read']),
    ...(after.fit.verdict === verdict ? [] : [`verdict: ${verdict} was promised, ${after.fit.verdict} is found`]),
  ];
}

/** Writes every piece of advice that the search gives, singles and combinations, and reads it again. */
export function keptAdvice(set: ManifestSet, grammars: Grammars): Kept[] {
  return scenesOf(set, grammars).flatMap(({ question, ...scene }) =>
    advise({ ...question, extent: 'all' }).flatMap((advice) => {
      if (!isPatched(advice.changes)) return [];
      const { after, text } = again(advice.changes, scene);
      return [{ kind: 'advice', changes: advice.changes, broken: brokenAdvice(advice, after), text }];
    }),
  );
}
