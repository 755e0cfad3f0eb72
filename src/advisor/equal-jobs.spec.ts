import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { jobManifest } from '../../test/fixtures/jobs.js';
import type { JsonObject } from '../workload/workload.js';
import { readAlongside } from './alongside.js';
import { EqualJobs } from './equal-jobs.js';

const nothing = { configMap: () => undefined, object: () => undefined };

/** As the API server hands it to webhooks: the Job's name and uid are in its selector and in the labels of its pods. */
function fromTheApiServer(name: string, parts: JsonObject = {}): JsonObject {
  const job = jobManifest({ name, ...parts }) as { spec: { template: JsonObject } };
  const labels = { 'job-name': name, 'controller-uid': `uid-of-${name}` };
  const template = { ...job.spec.template, metadata: { creationTimestamp: null, labels } };
  return { ...job, spec: { ...job.spec, selector: { matchLabels: labels }, template } };
}

function counting(): {
  jobs: EqualJobs;
  read: (manifest: JsonObject, revision?: number) => unknown;
  reads: () => number;
} {
  const jobs = new EqualJobs();
  let reads = 0;
  const read = (manifest: JsonObject, revision = 1) =>
    jobs.read(manifest, revision, () => {
      reads += 1;
      return readAlongside(manifest, nothing);
    });
  return { jobs, read, reads: () => reads };
}

describe('Jobs that ask for the same under other names', () => {
  it('are read once, and each reading is what it would have been by itself', () => {
    const { read, reads } = counting();
    read(fromTheApiServer('trial-1'));
    const second = fromTheApiServer('trial-2', {
      labels: { trial: '2' },
      annotations: { 'plimsoll.dev/run': 'seed: 2' },
    });
    expect(read(second)).toEqual(readAlongside(second, nothing));
    expect(reads()).toBe(1);
  });

  it('are read again once something beside them is another', () => {
    const { read, reads } = counting();
    read(fromTheApiServer('trial-1'), 1);
    read(fromTheApiServer('trial-2'), 2);
    expect(reads()).toBe(2);
  });

  it('are read by themselves where their metadata is not as it should be', () => {
    const { read } = counting();
    read(fromTheApiServer('trial-1'));
    const odd = fromTheApiServer('trial-2', { labels: { trial: 2 } });
    expect(read(odd)).toEqual(readAlongside(odd, nothing));
  });

  it('are never taken for each other, whatever differs in what they ask for', () => {
    const change = fc.record({
      namespace: fc.constantFrom('team-a', 'team-b'),
      suspend: fc.boolean(),
      parallelism: fc.integer({ min: 1, max: 3 }),
      args: fc.array(fc.constantFrom('--bf16', '--block_size', '512'), { maxLength: 3 }),
    });
    type Change = { namespace: string; suspend: boolean; parallelism: number; args: string[] };
    const jobOf = ({ namespace, suspend, parallelism, args }: Change, name: string): JsonObject => {
      const job = fromTheApiServer(name, { namespace }) as {
        spec: { template: { spec: { containers: JsonObject[] } } };
      };
      const { spec } = job.spec.template;
      const containers = spec.containers.map((container) => ({ ...container, args }));
      const template = { ...job.spec.template, spec: { ...spec, containers } };
      return { ...job, spec: { ...job.spec, suspend, parallelism, template } };
    };
    fc.assert(
      fc.property(change, change, (one, other) => {
        const { read } = counting();
        read(jobOf(one, 'one'));
        const second = jobOf(other, 'other');
        expect(read(second)).toEqual(readAlongside(second, nothing));
      }),
    );
  });
});
