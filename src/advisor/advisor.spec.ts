import { beforeAll, describe, expect, it } from '@jest/globals';
import { node, snapshot } from '../../test/builders/cluster.js';
import { RUN_FIELDS, settingAt } from '../run/fields.js';
import type { JsonObject } from '../workload/workload.js';
import { UnreadableManifest } from '../workload/workload.js';
import type { Advisor, AssessQuestion } from './advisor.js';
import { createAdvisor } from './advisor.js';
import { loadFacts } from './facts.js';
import { loadGrammars } from './load-grammars.js';

const cluster = snapshot(node('a100', [{ gib: 79.2, count: 8 }]));
const job = (args: readonly string[], overrides: JsonObject = {}): JsonObject => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'train', namespace: 'team-a' },
  spec: {
    template: {
      spec: {
        restartPolicy: 'Never',
        containers: [
          {
            name: 'train',
            image: 'huggingface/transformers-pytorch-gpu:4.41.2',
            command: ['python', 'run_clm.py', '--do_train', ...args],
            resources: { limits: { 'nvidia.com/gpu': 1 } },
          },
        ],
      },
    },
  },
  ...overrides,
});
const gpt2 = job(['--model_name_or_path=gpt2', '--per_device_train_batch_size=2', '--block_size=256', '--fp16']);

describe('the advisor', () => {
  let advisor: Advisor;
  const question = (manifest: JsonObject, overrides: Partial<AssessQuestion> = {}): AssessQuestion => ({
    manifest,
    files: { configMap: () => undefined },
    inventory: cluster,
    nowMs: 1000,
    ...overrides,
  });

  beforeAll(async () => {
    advisor = createAdvisor({ facts: loadFacts(), grammars: await loadGrammars() });
  });

  it('goes from manifest to verdict, with evidence for every setting', () => {
    const assessment = advisor.assess(question(gpt2));
    expect(assessment).toMatchObject({ verdict: 'fits', assessedAtMs: 1000 });
    expect(assessment?.estimates[0]?.deviceBytes.expected).toBeGreaterThan(1024 ** 3);
    const settings = assessment?.runs[0]?.settings;
    if (settings == null) throw new Error('the run was not read');
    for (const field of RUN_FIELDS) expect(settingAt(settings, field).evidence.kind).toMatch(/^[a-z]+$/);
  });

  it('keeps an answer for the same question, and says the time anew', () => {
    const again = question(gpt2, { nowMs: 2000 });
    expect(advisor.recall(again)).toMatchObject({ assessedAtMs: 2000, verdict: 'fits' });
    expect(advisor.recall(question(gpt2, { inventory: snapshot() }))).toBeUndefined();
    expect(advisor.recall(question(job([])))).toBeUndefined();
  });

  it('forgets an answer when a file that it read changes', () => {
    const mounted = structuredClone(gpt2) as {
      spec: { template: { spec: { containers: JsonObject[]; volumes?: JsonObject[] } } };
    };
    const { spec } = mounted.spec.template;
    spec.volumes = [{ name: 'script', configMap: { name: 'script' } }];
    spec.containers[0] = {
      ...spec.containers[0],
      command: ['bash', '/scripts/train.sh'],
      volumeMounts: [{ name: 'script', mountPath: '/scripts' }],
    };
    const files = (batch: number): AssessQuestion['files'] => ({
      configMap: () => ({
        'train.sh': `python run_clm.py --do_train --model_name_or_path gpt2 --block_size 256 --per_device_train_batch_size ${batch}`,
      }),
    });
    const micro = (batch: number): unknown =>
      advisor.assess(question(mounted, { files: files(batch) }))?.runs[0]?.settings?.microBatchSize.value;
    expect(micro(2)).toBe(2);
    expect(micro(4)).toBe(4);
  });

  it('gives equal ids for equal inputs, also when the object has got its uid and samples have moved', () => {
    const created = { ...gpt2, metadata: { name: 'train', namespace: 'team-a', uid: 'u-1' } };
    const later = {
      ...cluster,
      takenAtMs: 30_000,
      devices: cluster.devices.map((device) => ({ ...device, seenAtMs: 30_000, usedBytes: 1024 })),
    };
    const first = advisor.assess(question(gpt2));
    expect(advisor.assess(question(created, { inventory: later }))?.id).toBe(first?.id);
    const other = job(['--model_name_or_path=gpt2', '--per_device_train_batch_size=4', '--block_size=256']);
    expect(advisor.assess(question(other))?.id).not.toBe(first?.id);
  });

  it('says nothing of objects that are no workload or ask for no GPU', () => {
    expect(
      advisor.assess(question({ apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, spec: {} })),
    ).toBeNull();
    const cpu = structuredClone(gpt2) as { spec: { template: { spec: { containers: JsonObject[] } } } };
    cpu.spec.template.spec.containers = [{ name: 'main', image: 'busybox', command: ['date'] }];
    expect(advisor.assess(question(cpu as unknown as JsonObject))).toBeNull();
  });

  it('is unknown, not wrong, where the model is not known', () => {
    const assessment = advisor.assess(question(job(['--model_name_or_path=acme/frog-900b'])));
    expect(assessment).toMatchObject({ verdict: 'unknown', advice: [] });
    expect(assessment?.reason).toContain('acme/frog-900b');
  });

  it('names the field of a manifest that cannot be read', () => {
    const broken = { ...gpt2, spec: { template: 'not a template' } };
    expect(() => advisor.assess(question(broken))).toThrow(UnreadableManifest);
    expect(() => advisor.assess(question(broken))).toThrow('spec.template');
  });
});
