import { beforeAll, describe, expect, it } from '@jest/globals';
import { node, snapshot } from '../../test/builders/cluster.js';
import type { Assessment } from '../fit/assessment.js';
import type { JsonObject } from '../workload/workload.js';
import type { Advisor } from './advisor.js';
import { createAdvisor } from './advisor.js';
import { loadFacts } from './facts.js';
import { loadGrammars } from './load-grammars.js';

const GIB = 2 ** 30;

const job = (command: readonly string[], run: string): JsonObject => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'train', namespace: 'team-a', annotations: { 'plimsoll.dev/run': run } },
  spec: {
    template: {
      spec: {
        restartPolicy: 'Never',
        containers: [
          {
            name: 'train',
            image: 'pytorch/pytorch:2.9.1',
            command: [...command],
            resources: { limits: { 'nvidia.com/gpu': 1 } },
          },
        ],
      },
    },
  },
});

const LSTM = 'model: word-language-model\ntask: causal-lm\nsequenceLength: 35\noptimizer: {name: sgd}\n';

describe('models that are not transformers of one kind, from manifest to advice', () => {
  let advisor: Advisor;
  const assess = (manifest: JsonObject, gib: number): Assessment => {
    const inventory = snapshot(node('gpu', [{ gib, count: 1 }]));
    return advisor.assess({ manifest, files: { configMap: () => undefined }, inventory, nowMs: 0 })!;
  };

  beforeAll(async () => {
    advisor = createAdvisor({ facts: loadFacts(), grammars: await loadGrammars() });
  });

  it('lets the LSTM of the word language model example onto a small card', () => {
    const assessment = assess(job(['python', 'main.py'], `${LSTM}microBatchSize: 20\n`), 8);
    expect(assessment.verdict).toBe('fits');
    expect(assessment.estimates[0]?.parameters?.total).toBe(13_987_678);
  });

  it('tells an LSTM with too many sequences at once to take fewer', () => {
    const assessment = assess(job(['python', 'main.py'], `${LSTM}microBatchSize: 8192\n`), 8);
    expect(assessment.verdict).toBe('will-not-fit');
    expect(assessment.advice.length).toBeGreaterThan(0);
  });

  it('works out adapters for Stable Diffusion XL from the flags of the example script, the base in 16 bit', () => {
    const command = [
      ...['accelerate', 'launch', 'train_text_to_image_lora_sdxl.py', '--mixed_precision=fp16'],
      '--pretrained_model_name_or_path=stabilityai/stable-diffusion-xl-base-1.0',
      ...['--train_batch_size=1', '--gradient_checkpointing', '--rank=16'],
    ];
    const assessment = assess(job(command, '{}'), 24);
    expect(assessment.runs[0]?.unknown).toEqual([]);
    const [estimate] = assessment.estimates;
    expect(estimate?.parameters?.total).toBeGreaterThan(2_567_463_684);
    expect(estimate?.allocatedBytes.expected).toBeGreaterThan(2 * 2_567_463_684);
    expect(estimate?.allocatedBytes.expected).toBeLessThan(16 * GIB);
  });
});
