import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { loadFacts } from '../../src/advisor/facts.js';
import { ObservationHolder } from '../../src/advisor/observation-holder.js';
import type { Device, InventorySnapshot } from '../../src/inventory/inventory.js';
import { readHolderPod } from '../../src/observation/holder-pod.js';
import type { HolderPod } from '../../src/observation/holder-pod.js';
import { STANDING_DEFAULTS } from '../../src/observation/standing.js';
import { UseRecorder } from '../../src/observe/recorder.js';
import type { HolderPods, PodOrigins } from '../../src/observe/sources.js';
import { startEmbeddedPostgres } from '../../src/store/embedded-postgres.js';
import { ObservationRepository } from '../../src/store/observation-repository.js';
import { StoreUnavailable } from '../../src/store/store-unavailable.js';
import type { Json } from '../../src/workload/workload.js';
import { GIB, MINUTE_MS, observation } from '../builders/observation.js';
import { silent, startTestPostgres } from './postgres.js';
import type { TestPostgres } from './postgres.js';

const NOON = Date.UTC(2026, 10, 20, 12);
const at = (minutes: number): number => NOON + minutes * MINUTE_MS;

describe('observations in Postgres', () => {
  let postgres: TestPostgres;
  let repository: ObservationRepository;
  beforeAll(async () => {
    postgres = await startTestPostgres();
    repository = new ObservationRepository(postgres.database);
  }, 60_000);
  afterAll(() => postgres.stop());
  beforeEach(() => postgres.database.pool.query('TRUNCATE pod_observations'));

  it('come back whole, however often they are written', async () => {
    const one = observation({ startedAtMs: NOON });
    await repository.save([one], NOON);
    await repository.save([one, observation({ id: 'pod-2/0', startedAtMs: NOON })], NOON);
    expect((await repository.newest(10)).observations).toHaveLength(2);
    expect(await repository.list({ fingerprint: 'f-1' }, { limit: 1 })).toEqual([one]);
  });

  it('only become newer, and how one ended is not forgotten', async () => {
    const ended = observation({ startedAtMs: NOON, minutes: 60 });
    await repository.save([ended], at(90));
    await repository.save([observation({ startedAtMs: NOON, minutes: 30, usedGib: 20, ending: null })], at(90));
    expect((await repository.newest(10)).observations).toEqual([ended]);
    await repository.save([observation({ startedAtMs: NOON, minutes: 90, ending: null })], at(90));
    const [stored] = (await repository.newest(10)).observations;
    expect(stored).toMatchObject({ ending: 'completed', use: { lastAtMs: at(90) } });
  });

  it('are read on from where another replica was read last', async () => {
    await repository.save([observation({ id: 'a/0' })], NOON);
    const { watermark } = await repository.newest(10);
    expect(await repository.writtenSince(watermark, 10)).toEqual({ observations: [], watermark });
    await repository.save([observation({ id: 'b/0' })], NOON);
    const { observations } = await repository.writtenSince(watermark, 10);
    expect(observations.map(({ id }) => id)).toEqual(['b/0']);
  });

  it('are listed by workload and time, page by page', async () => {
    const many = Array.from({ length: 5 }, (_, index) =>
      observation({ id: `p-${index}/0`, workload: `w-${index % 2}`, startedAtMs: at(index), minutes: 0 }),
    );
    await repository.save(many, NOON);
    const [first, second] = await repository.list({ name: 'w-0' }, { limit: 2 });
    expect([first?.id, second?.id]).toEqual(['p-4/0', 'p-2/0']);
    const after = { lastAtMs: second!.use.lastAtMs, id: second!.id };
    expect((await repository.list({ name: 'w-0' }, { limit: 2, after })).map(({ id }) => id)).toEqual(['p-0/0']);
    const within = { sinceMs: at(1), untilMs: at(3) };
    expect((await repository.list(within, { limit: 9 })).map(({ id }) => id)).toEqual(['p-2/0', 'p-1/0']);
  });

  it('are forgotten after their time', async () => {
    await repository.save(
      [observation({ id: 'old/0', startedAtMs: NOON }), observation({ id: 'new/0', startedAtMs: at(1) })],
      NOON,
    );
    expect(await repository.forget(at(61))).toBe(1);
    expect((await repository.newest(10)).observations.map(({ id }) => id)).toEqual(['new/0']);
  });
});

/** A cluster of one node whose pods and devices are as a test says. */
class Scene implements HolderPods, PodOrigins {
  nowMs = NOON;
  held: HolderPod[] = [];
  finals = new Map<string, HolderPod>();
  #gone: ((pod: HolderPod) => void)[] = [];

  pods(): readonly HolderPod[] {
    return this.held;
  }

  onGone(listener: (pod: HolderPod) => void): void {
    this.#gone.push(listener);
  }

  finalOf({ uid }: HolderPod): Promise<HolderPod | null> {
    return Promise.resolve(this.finals.get(uid) ?? null);
  }

  originOf(pod: HolderPod): ReturnType<PodOrigins['originOf']> {
    const { workload, run } = observation({ workload: pod.labels['job'] ?? pod.name });
    return Promise.resolve({ workload, run });
  }

  /** The pod is done: what becomes of it is asked after the watch has left it out. */
  end(pod: HolderPod, final: HolderPod): void {
    this.held = this.held.filter((one) => one.uid !== pod.uid);
    this.finals.set(pod.uid, final);
    for (const listener of this.#gone) listener(pod);
  }

  snapshot(usedGib: readonly number[], pods: readonly string[] = []): InventorySnapshot {
    const devices = usedGib.map((gib, index): Device => ({
      uuid: `GPU-${index}`,
      gpuInstance: null,
      node: 'gpu-1',
      index,
      model: 'NVIDIA A100-SXM4-80GB',
      migProfile: null,
      resource: 'nvidia.com/gpu',
      replicas: 1,
      capacityBytes: 79 * GIB,
      capacitySource: 'dcgm',
      usedBytes: gib * GIB,
      seenAtMs: this.nowMs,
      pods: pods[index] === undefined || pods[index] === '' ? [] : [`team/${pods[index]}`],
    }));
    return { takenAtMs: this.nowMs, nodes: [], devices };
  }
}

const terminated = (exitCode: number, message = ''): Json => ({ terminated: { exitCode, reason: 'Error', message } });

interface PodState {
  gpus?: number;
  restarts?: number;
  state?: Json;
  lastState?: Json;
}

function pod(
  name: string,
  { gpus = 1, restarts = 0, state = { running: {} }, lastState = {} }: PodState = {},
): HolderPod {
  return readHolderPod({
    metadata: { uid: `uid-${name}`, namespace: 'team', name },
    spec: { nodeName: 'gpu-1', containers: [{ name: 'main', resources: { limits: { 'nvidia.com/gpu': gpus } } }] },
    status: { phase: 'Running', containerStatuses: [{ name: 'main', restartCount: restarts, state, lastState }] },
  })!;
}

describe('recording what pods use', () => {
  let postgres: TestPostgres;
  let scene: Scene;
  let holder: ObservationHolder;
  let isRecording: boolean;
  beforeAll(async () => {
    postgres = await startTestPostgres();
  }, 60_000);
  afterAll(() => postgres.stop());
  beforeEach(async () => {
    await postgres.database.pool.query('TRUNCATE pod_observations');
    scene = new Scene();
    holder = new ObservationHolder();
    isRecording = true;
  });

  function recorder(most = 100, into = holder, everyMs = 0): UseRecorder {
    const repository = new ObservationRepository(postgres.database);
    const parts = { pods: scene, origins: scene, holder: into, repository, gpus: loadFacts().gpus };
    const rest = { isRecording: () => isRecording, now: () => scene.nowMs, log: silent };
    const rules = STANDING_DEFAULTS;
    return new UseRecorder({ ...parts, ...rest }, { cluster: 'c', rules, keepMs: 90 * 86_400_000, everyMs, most });
  }

  async function run(taking: UseRecorder, minutes: number, usedGib: readonly number[], pods: readonly string[]) {
    for (let step = 0; step < minutes * 2; step += 1) {
      scene.nowMs += MINUTE_MS / 2;
      await taking.observe(scene.snapshot(usedGib, pods));
    }
  }

  const stored = async () => (await new ObservationRepository(postgres.database).newest(100)).observations;
  const standings = () =>
    holder
      .current()
      .uses.get('f-1')
      ?.map(({ standing, usedBytes }) => [standing, usedBytes / GIB]);

  it('gives later answers the peak of a run that ended well, and stores it', async () => {
    const taking = recorder();
    const trained = pod('train');
    scene.held = [trained];
    await run(taking, 10, [61, 0], ['train']);
    await run(taking, 10, [58, 0], ['train']);
    expect(standings()).toEqual([['so-far', 61]]);
    scene.end(trained, pod('train', { state: { terminated: { exitCode: 0, reason: 'Completed' } } }));
    await taking.close();
    expect(standings()).toEqual([['measured', 61]]);
    expect(await stored()).toEqual([
      expect.objectContaining({ id: 'uid-train/0', pod: 'train', ending: 'completed', devices: 1 }),
    ]);
  });

  it('leaves out what was in use before the pod came', async () => {
    const taking = recorder();
    await run(taking, 2, [3], []);
    scene.held = [pod('train')];
    await run(taking, 40, [23], ['train']);
    expect(standings()).toEqual([['measured', 20]]);
  });

  it('is not misled by memory of the pod before that still shows for a moment', async () => {
    const taking = recorder();
    await run(taking, 0.5, [60], []);
    scene.held = [pod('train')];
    await run(taking, 40, [23], ['train']);
    expect(standings()).toEqual([['measured', 23]]);
  });

  it('takes the worst device of a pod with several', async () => {
    const taking = recorder();
    scene.held = [pod('train', { gpus: 2 })];
    await run(taking, 40, [40, 55, 70], ['train', 'train', 'other']);
    expect(standings()).toEqual([['measured', 55]]);
  });

  it('knows that a pod was out of GPU memory, even where it was too short to be sampled', async () => {
    const taking = recorder();
    await run(taking, 1, [0, 0], []);
    const failed = pod('train');
    scene.end(failed, pod('train', { state: terminated(1, 'RuntimeError: CUDA out of memory. Tried to allocate') }));
    await taking.close();
    expect(holder.current().uses.get('f-1')).toEqual([
      expect.objectContaining({ standing: 'out-of-memory', capacityBytes: 79 * GIB, besideBytes: 0 }),
    ]);
    expect(JSON.stringify(await stored())).not.toContain('Tried to allocate');
  });

  it('knows that a pod was out of GPU memory before it was started again in place', async () => {
    const taking = recorder();
    scene.held = [pod('train')];
    await run(taking, 1, [70], ['train']);
    scene.held = [
      pod('train', { restarts: 1, lastState: terminated(1, 'torch.OutOfMemoryError: CUDA out of memory.') }),
    ];
    await run(taking, 40, [50], ['train']);
    expect(standings()).toEqual([
      ['measured', 50],
      ['out-of-memory', 70],
    ]);
  });

  it('goes on after a restart where it was, and a replica that does not record reads what another wrote', async () => {
    const first = recorder();
    scene.held = [pod('train')];
    await run(first, 10, [61], ['train']);
    await first.close();
    const second = recorder();
    await run(second, 31, [40], ['train']);
    await second.close();
    expect(standings()).toEqual([['measured', 61]]);
    isRecording = false;
    const reading = new ObservationHolder();
    await recorder(100, reading).observe(scene.snapshot([40], ['train']));
    expect(reading.current().uses.get('f-1')).toEqual([expect.objectContaining({ usedBytes: 61 * GIB })]);
  });

  it.each([-48 * 60, 48 * 60])('goes on telling and writing though the clock jumps by %d minutes', async (jump) => {
    const taking = recorder(100, holder, MINUTE_MS);
    scene.held = [pod('train')];
    await run(taking, 10, [40], ['train']);
    scene.nowMs += jump * MINUTE_MS;
    await run(taking, 10, [61], ['train']);
    expect(standings()?.map(([, gib]) => gib)).toEqual([61]);
    const [written] = await stored();
    expect((written?.use.peakBytes ?? 0) / GIB).toBe(61);
    await taking.close();
  });

  it('keeps what it saw while the database is away, within bounds, and writes it when it is back', async () => {
    const { port } = postgres.server;
    await postgres.server.stop();
    const taking = recorder(2);
    for (const name of ['a', 'b', 'c']) {
      scene.held = [pod(name)];
      await run(taking, 3, [50], [name]);
    }
    await expect(stored()).rejects.toThrow(StoreUnavailable);
    expect(taking.state).toMatchObject({ written: 0, dropped: 1 });
    expect(taking.state.failedWrites).toBeGreaterThan(0);
    postgres.server = await startEmbeddedPostgres({ dataFolder: postgres.dataFolder, port });
    await new Promise<void>((done) => postgres.database.onUp(done));
    await taking.close();
    expect((await stored()).map(({ id }) => id).toSorted()).toEqual(['uid-b/0', 'uid-c/0']);
    expect(taking.waiting).toBe(0);
  }, 60_000);
});
