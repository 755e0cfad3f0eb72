import { beforeEach, describe, expect, it } from '@jest/globals';
import { assessmentWith } from '../../test/fixtures/assessments.js';
import { jobManifest } from '../../test/fixtures/jobs.js';
import { NamespaceView } from '../admission/namespace-view.js';
import { answerAnnotations } from '../advisor/answers.js';
import type { ClusterEvent } from '../cluster/event-book.js';
import type { Assessment } from '../fit/assessment.js';
import type { JsonObject } from '../workload/workload.js';
import { ToldVerdicts } from './told-verdicts.js';
import { WorkloadKeeper } from './workload-keeper.js';

let found: Assessment | null;
let nowMs: number;
let annotated: Record<string, string | null>[];
let events: ClusterEvent[];
let recorded: Assessment[];
let namespaces: NamespaceView;
let keeper: WorkloadKeeper;

beforeEach(() => {
  found = assessmentWith('will-not-fit');
  nowMs = 1_000_000;
  [annotated, events, recorded] = [[], [], []];
  namespaces = new NamespaceView({ defaultMode: 'advise', reject: ['will-not-fit'] });
  keeper = new WorkloadKeeper({
    cluster: {
      annotate: (_, annotations) => Promise.resolve(void annotated.push(annotations)),
      tell: (_, event) => Promise.resolve(void events.push(event)),
    },
    assessor: {
      epoch: '',
      recall: () => undefined,
      assess: () => Promise.resolve(found),
      begin: () => ({ verdict: Promise.resolve(found), whole: Promise.resolve(found) }),
    },
    sink: { take: (assessment) => void recorded.push(assessment) },
    namespaces,
    told: new ToldVerdicts(60_000),
    pace: { step: () => Promise.resolve() },
    nowMs: () => nowMs,
  });
});

const keep = (metadata: JsonObject = {}, status: JsonObject = {}) =>
  keeper.keep({ object: { ...jobManifest({ uid: 'uid-1', ...metadata }), status }, resource: 'jobs' });

const carrying = (assessment: Assessment) => ({
  annotations: Object.fromEntries(
    Object.entries(answerAnnotations(assessment)).map(([name, value]) => [`plimsoll.dev/${name}`, value]),
  ),
});

describe('keeping a workload up to date', () => {
  it('annotates, tells and records what existed before', async () => {
    await keep();
    expect(annotated[0]).toMatchObject({ 'plimsoll.dev/verdict': 'will-not-fit', 'plimsoll.dev/assessment': 'a1b2c3' });
    expect(events).toEqual([
      expect.objectContaining({
        type: 'Warning',
        reason: 'GpuMemoryWillNotFit',
        message: expect.stringContaining('plimsoll: will-not-fit: needs 45.5 GiB'),
      }),
    ]);
    expect(recorded).toHaveLength(1);
  });

  it('makes no Event of a first verdict that asks for nothing', async () => {
    found = assessmentWith('fits');
    await keep();
    expect(annotated).toHaveLength(1);
    expect(events).toEqual([]);
  });

  it('leaves alone what admission annotated already', async () => {
    await keep(carrying(assessmentWith('will-not-fit')));
    expect([annotated, events]).toEqual([[], []]);
  });

  it('does not write for an id that changed alone', async () => {
    await keep(carrying(assessmentWith('will-not-fit', { id: 'older' })));
    expect(annotated).toEqual([]);
  });

  it('tells a changed verdict with the one before, and removes what no longer holds', async () => {
    found = assessmentWith('fits', { advice: [] });
    await keep(carrying(assessmentWith('tight')));
    expect(annotated[0]).toMatchObject({ 'plimsoll.dev/verdict': 'fits', 'plimsoll.dev/advice': null });
    expect(events[0]).toMatchObject({ type: 'Normal', message: expect.stringContaining('fits (was tight)') });
  });

  it('holds a verdict back that changes again soon, and says when to look again', async () => {
    await keep();
    found = assessmentWith('fits');
    nowMs += 10_000;
    expect(await keep(carrying(assessmentWith('will-not-fit')))).toBe(50_000);
    expect(events).toHaveLength(1);
    nowMs += 50_000;
    expect(await keep(carrying(assessmentWith('will-not-fit')))).toBeNull();
    expect(events).toHaveLength(2);
  });

  it('records one answer once', async () => {
    await keep(carrying(found!));
    found = assessmentWith('will-not-fit', { id: 'later' });
    await keep(carrying(found));
    expect(recorded.map(({ id }) => id)).toEqual(['a1b2c3']);
  });

  it.each([
    [
      'a child',
      {
        ownerReferences: [{ apiVersion: 'kubeflow.org/v1', kind: 'PyTorchJob', name: 'p', uid: 'p', controller: true }],
      },
      {},
    ],
    ['what has ended', {}, { conditions: [{ type: 'Complete', status: 'True' }] }],
  ])('leaves %s alone', async (_, metadata, status) => {
    await keep(metadata, status);
    expect([annotated, events, recorded]).toEqual([[], [], []]);
  });

  it('leaves a namespace alone whose mode is off', async () => {
    namespaces.setNamespace('team-a', { 'plimsoll.dev/mode': 'off' });
    await keep();
    expect(annotated).toEqual([]);
  });
});
