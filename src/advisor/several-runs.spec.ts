import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { node, snapshot } from '../../test/builders/cluster.js';
import { installedGrammars } from '../../test/builders/launch.js';
import type { Assessment } from '../fit/assessment.js';
import { readDocuments } from '../workload/documents/documents.js';
import type { Advisor } from './advisor.js';
import { createAdvisor } from './advisor.js';
import { loadFacts } from './facts.js';

let advisor: Advisor;
beforeAll(async () => {
  advisor = createAdvisor({ facts: loadFacts(), grammars: await installedGrammars() });
});

function assessed(file: string, gib: number): Assessment {
  const text = readFileSync(`test/fixtures/manifests/${file}.yaml`, 'utf8');
  const manifest = readDocuments(text, file)
    .flatMap(({ manifest: one }) => (one === null ? [] : [one]))
    .at(-1);
  const inventory = snapshot(node('n1', [{ gib, count: 8 }]));
  const files = { configMap: () => undefined };
  const answer = manifest === undefined ? null : advisor.assess({ manifest, files, inventory, nowMs: 0 });
  if (answer === null) throw new Error(`${file} is no workload`);
  return answer;
}

describe('a training of several models', () => {
  it('is held against the device as a whole, and each of its runs is shown', () => {
    const { runs, estimates, fit, verdict } = assessed('trl-grpo-vllm', 200);
    expect(runs.map(({ role }) => role)).toEqual(['policy', 'reference', 'rollout']);
    expect(estimates.map(({ role }) => role)).toEqual(['all together', 'policy', 'reference', 'rollout']);
    const [together, ...alone] = estimates;
    expect(fit[0]?.classes[0]?.requiredBytes).toEqual(together?.minimumCapacityBytes);
    for (const one of alone) expect(one.deviceBytes.expected).toBeLessThan(together!.deviceBytes.expected);
    expect(together?.turns?.map(({ role }) => role)).toEqual(['policy', 'reference']);
    expect(verdict).toBe('fits');
  });

  it('is advised to change what the trained one is told, the others staying as they are', () => {
    const { verdict, advice } = assessed('trl-grpo-vllm', 76);
    expect(verdict).not.toBe('fits');
    const smaller = advice.find(({ changes }) => changes.some(({ field }) => field === 'microBatchSize'));
    expect(smaller?.changes[0]?.write).toMatch(/^--per_device_train_batch_size [1-4] \(was 8\)$/);
  });
});
