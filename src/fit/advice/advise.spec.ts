import { describe, expect, it } from '@jest/globals';
import { node, snapshot } from '../../../test/builders/cluster.js';
import type { BuiltNode } from '../../../test/builders/cluster.js';
import { estimateOf, run, RUN_VALUES } from '../../../test/builders/run.js';
import { ANYWHERE, podSet, request, workload } from '../../../test/builders/workload.js';
import { valuesOf, withSetting } from '../../run/fields.js';
import type { RunValues, TrainingRun } from '../../run/training-run.js';
import type { JsonObject, PodSet } from '../../workload/workload.js';
import type { Advice } from '../assessment.js';
import { indexCluster } from '../cluster.js';
import { fitWorkload } from '../workload-fit.js';
import { optionsOf } from '../../launch/programs/table.js';
import { advise, ADVICE_BUDGET } from './advise.js';

const GIB = 1024 ** 3;

/** A model of 8 billion parameters, counted by the book: enough to see which way each setting moves the sum. */
function neededGib(values: RunValues): number {
  const { microBatchSize, sequenceLength, activationCheckpointing, parallelism, optimizer, peft } = values;
  const billions = 8;
  const shards = parallelism.sharding === 'fsdp-full' ? parallelism.shardSize : 1;
  const frozen = peft.method !== 'none';
  const weights = values.quantization === 'nf4' ? billions * 0.56 : billions * 4;
  const stateBytes = optimizer.implementation === '8bit' ? 2 : 8;
  const training = frozen ? 0.5 : (billions * (4 + stateBytes)) / shards;
  const perToken = activationCheckpointing === 'full' ? 0.00008 : 0.0006;
  return weights / shards + training + microBatchSize * (sequenceLength ?? 0) * perToken + 0.5;
}

interface Scene {
  values?: Partial<RunValues>;
  run?: TrainingRun;
  nodes: readonly BuiltNode[];
  podSets?: readonly PodSet[];
  manifest?: JsonObject;
  modelType?: string | null;
  extent?: 'handful' | 'all';
}

function advised(scene: Scene): { advice: Advice[]; estimates: number } {
  let estimates = 0;
  const trained = scene.run ?? run(scene.values);
  const podSets = scene.podSets ?? [podSet()];
  const question = {
    workload: workload(podSets),
    runs: podSets.map(({ name }) => ({ podSet: name, role: 'model', training: true, run: trained, unknown: [] })),
    cluster: indexCluster(snapshot(...scene.nodes)),
    estimate: (changed: TrainingRun) => {
      estimates += 1;
      const needed = neededGib(valuesOf(changed)) * GIB;
      return { estimate: estimateOf({ low: needed * 0.98, expected: needed, high: needed * 1.02 }) };
    },
    estimateTogether: () => ({ unknown: [{ field: 'runs', reason: 'there is one run' }] }),
    traitsOf: (model: string) => ({
      model,
      vendor: 'nvidia' as const,
      computeCapability: model === 'Tesla T4' ? 7.5 : 8,
    }),
  };
  const fit = fitWorkload(question);
  estimates = 0;
  const modelType = scene.modelType === undefined ? 'llama' : scene.modelType;
  const modelOf = (): { modelType: string; config: Record<string, unknown> } | null =>
    modelType === null ? null : { modelType, config: {} };
  const fingerprintOf = (): string => 'f';
  const documents = { manifest: scene.manifest ?? {}, configMap: () => undefined };
  return {
    advice: advise({
      ...question,
      fit,
      extent: scene.extent ?? 'handful',
      documents,
      fingerprintOf,
      modelOf,
      optionsOf,
    }),
    estimates,
  };
}

const fields = (advice: Advice | undefined): string[] => (advice?.changes ?? []).map(({ field }) => field);
const a100 = (gib = 79.2, count = 8): BuiltNode => node('a100', [{ gib, count }]);
const l4 = node('l4', [{ model: 'NVIDIA L4', gib: 22, count: 8 }]);

describe('a run that does not fit', () => {
  it('is told a smaller micro-batch that keeps the global batch, before anything that costs more', () => {
    const { advice } = advised({
      values: { peft: { ...RUN_VALUES.peft, method: 'lora' }, sequenceLength: 16384 },
      nodes: [a100()],
    });
    expect(advice[0]).toMatchObject({
      summary: '--per_device_train_batch_size 4, --gradient_accumulation_steps 2: needs 72.3 GiB, fits',
      verdict: 'fits',
      costs: ['2 times as many, smaller steps for the same global batch'],
    });
  });

  it('is told the combination where no single change will do', () => {
    const { advice } = advised({ values: { sequenceLength: 16384 }, nodes: [a100(95)] });
    const combined = advice.find(({ changes }) => changes.length > 1);
    expect(fields(combined)).toEqual(['activationCheckpointing', 'optimizer.implementation']);
    expect(combined?.verdict).toBe('fits');
  });

  it('is told LoRA last, and that the result differs', () => {
    const { advice } = advised({ values: { sequenceLength: 1024 }, nodes: [a100(60)] });
    const adapters = advice.find((each) => fields(each).includes('peft.method'));
    expect(adapters?.changes.map(({ write }) => write)).toEqual([
      '--use_peft true',
      '--lora_r 16',
      '--lora_target_modules all-linear',
    ]);
    expect(adapters?.costs.join()).toContain('not that of full fine-tuning');
    expect(advice.at(-1)).toEqual(adapters);
  });

  it('is told to shard where there are ranks to shard over', () => {
    const parallelism = { ...RUN_VALUES.parallelism, sharding: 'ddp', data: 8 } as const;
    const spread = { parallelism, worldSize: 8, processesPerNode: 8, globalBatchSize: 64 };
    const { advice } = advised({ values: spread, nodes: [a100()], podSets: [podSet({ devices: [request(8)] })] });
    expect(advice.map((each) => each.changes.map(({ write }) => write))).toContainEqual([
      '--fsdp "full_shard auto_wrap"',
    ]);
  });

  it('is told the larger device of the cluster when its own selector keeps it from that', () => {
    const pinned = podSet({ placement: { ...ANYWHERE, nodeSelector: { 'nvidia.com/gpu.product': 'NVIDIA-L4' } } });
    const { advice } = advised({
      values: { peft: { ...RUN_VALUES.peft, method: 'lora' } },
      nodes: [a100(), l4],
      podSets: [pinned],
    });
    expect(advice.flatMap(({ changes }) => changes).find(({ field }) => field === 'placement.affinity')?.write).toBe(
      'nodeAffinity nvidia.com/gpu.product In [NVIDIA-A100-SXM4-80GB], in place of what selects nodes by device now',
    );
  });

  it.each([10, 22, 40, 79])('all of it holds what the handful holds, on %d GiB', (gib) => {
    const values = { sequenceLength: 8192, microBatchSize: 64, globalBatchSize: 64 };
    const fieldsOf = (extent: 'handful' | 'all'): string[] =>
      advised({ values, nodes: [a100(gib), l4], extent }).advice.map(({ changes }) =>
        changes.map(({ field, to }) => `${field} ${to}`).join(),
      );
    expect(fieldsOf('all')).toEqual(expect.arrayContaining(fieldsOf('handful')));
  });

  it('never costs more estimates than the budget, and shows five pieces at most', () => {
    const nodes = Array.from({ length: 8 }, (_, index) =>
      node(`n${index}`, [{ model: `GPU ${index}`, gib: 10 + index * 9 }]),
    );
    const { advice, estimates } = advised({
      values: { sequenceLength: 8192, microBatchSize: 64, globalBatchSize: 64 },
      nodes,
    });
    expect(estimates).toBeLessThanOrEqual(ADVICE_BUDGET.handful.estimates + 8);
    expect(advice.length).toBeLessThanOrEqual(5);
    for (const { verdict } of advice) expect(['fits', 'fits-some', 'tight']).toContain(verdict);
  });
});

describe('what a framework would refuse is not proposed', () => {
  const all = (scene: Scene): string[] => advised(scene).advice.flatMap(({ changes }) => changes.map(({ to }) => to));

  it('flash attention in fp32, or on Turing', () => {
    expect(all({ values: { attention: 'eager', precision: 'fp32' }, nodes: [a100()] })).not.toContain(
      'flash-attention-2',
    );
    const t4 = node('t4', [{ model: 'Tesla T4', gib: 14.5 }]);
    expect(all({ values: { attention: 'eager', precision: 'amp-fp16' }, nodes: [t4] })).not.toContain(
      'flash-attention-2',
    );
  });

  it('4-bit weights beside sharded parameters', () => {
    const parallelism = { ...RUN_VALUES.parallelism, sharding: 'fsdp-full', data: 2, shardSize: 2 } as const;
    const values = { parallelism, worldSize: 2, globalBatchSize: 16, sequenceLength: 512 };
    expect(all({ values, nodes: [a100(20)] })).not.toContain('nf4');
  });

  it('adapters on a model that is trained from nothing', () => {
    expect(all({ values: { sequenceLength: 512 }, nodes: [a100()], modelType: null })).not.toContain('lora');
  });

  it('a micro-batch that does not divide', () => {
    const values = {
      microBatchSize: 7,
      globalBatchSize: 7,
      sequenceLength: 16384,
      peft: { ...RUN_VALUES.peft, method: 'lora' },
    } as const;
    const { advice } = advised({ values, nodes: [a100()] });
    const sizes = advice.flatMap(({ changes }) =>
      changes.filter(({ field }) => field === 'microBatchSize').map(({ to }) => to),
    );
    expect(sizes).toEqual(['1']);
  });
});

describe('in the words of the person', () => {
  const manifest = {
    spec: {
      args: ['--per_device_train_batch_size', '8', '--gradient_accumulation_steps=4'],
      script: 'trl sft \\\n  --batch 8 \\\n  --lr 1',
    },
  };
  const read = (path: string, text: string, start?: number) => ({
    kind: 'read' as const,
    place: {
      document: 'manifest',
      path,
      text,
      ...(start === undefined ? {} : { span: { start, end: start + text.length } }),
    },
  });
  const values = { peft: { ...RUN_VALUES.peft, method: 'lora' }, sequenceLength: 16384 } as const;

  it('names the flags that were read, and patches exactly their values', () => {
    const wide = run({ ...values, gradientAccumulationSteps: 4, globalBatchSize: 32 });
    const micro = withSetting(wide, 'microBatchSize', { value: 8, evidence: read('spec.args[1]', '8') });
    const both = withSetting(micro, 'gradientAccumulationSteps', { value: 4, evidence: read('spec.args[2]', '4', 30) });
    const [first] = advised({ run: both, nodes: [a100()], manifest }).advice;
    expect(first?.changes.map(({ write }) => write)).toEqual([
      '--per_device_train_batch_size 4 (was 8)',
      '--gradient_accumulation_steps=8 (was 4)',
    ]);
    expect(first?.changes.flatMap(({ patches }) => patches)).toEqual([
      { document: 'manifest', path: 'spec.args[1]', span: { start: 0, end: 1 }, from: '8', to: '4' },
      { document: 'manifest', path: 'spec.args[2]', span: { start: 30, end: 31 }, from: '4', to: '8' },
    ]);
  });

  it('does not take a declaration for the run itself', () => {
    const { place } = read('spec.args[1]', '8');
    const declared = withSetting(run({ ...values, program: null }), 'microBatchSize', {
      value: 8,
      evidence: { kind: 'declared', place },
    });
    const [first] = advised({ run: declared, nodes: [a100()], manifest }).advice;
    expect(first?.changes[0]).toMatchObject({ write: 'batches of 4 in the data loader', patches: [] });
  });

  it('finds a flag inside a script', () => {
    const start = manifest.spec.script.indexOf('8');
    const scripted = withSetting(run(values), 'microBatchSize', {
      value: 8,
      evidence: read('spec.script', '8', start),
    });
    const [first] = advised({ run: scripted, nodes: [a100()], manifest }).advice;
    expect(first?.changes[0]?.write).toBe('--batch 4 (was 8)');
  });

  describe('a batch that is written per node', () => {
    const perNode = { spec: { args: ['-b', '64'] } };
    const parallelism = { ...RUN_VALUES.parallelism, sharding: 'ddp', data: 8 } as const;
    const program = { id: 'pytorch-imagenet', name: 'PyTorch ImageNet example', version: null };
    const spread = { parallelism, worldSize: 8, processesPerNode: 8, globalBatchSize: 64 };
    const base = run({ ...values, program, ...spread });
    const divided = { kind: 'derived', from: [], rule: 'of the node over its 8 GPUs' } as const;
    const writes = (micro: TrainingRun): string[] =>
      advised({ run: micro, nodes: [a100()], manifest: perNode }).advice.flatMap(({ changes }) =>
        changes.map(({ write }) => write),
      );

    it('is scaled in its place', () => {
      const { place } = read('spec.args[1]', '64');
      const micro = withSetting(base, 'microBatchSize', { value: 8, evidence: { ...divided, place } });
      expect(writes(micro)).toContain('-b 32 (was 64)');
    });

    it('is multiplied where it was left to the default', () => {
      const micro = withSetting(base, 'microBatchSize', { value: 8, evidence: divided });
      expect(writes(micro)).toContain('--batch-size 32');
    });
  });
});

describe('a run that fits', () => {
  it('is told the smallest device of the cluster that would do', () => {
    const slices = node('h100', [
      {
        model: 'NVIDIA H100 80GB HBM3',
        gib: 39.5,
        count: 2,
        migProfile: '3g.40gb',
        resource: 'nvidia.com/mig-3g.40gb',
      },
    ]);
    const pinned = podSet({
      placement: { ...ANYWHERE, nodeSelector: { 'nvidia.com/gpu.product': 'NVIDIA-A100-SXM4-80GB' } },
    });
    const small = { peft: { ...RUN_VALUES.peft, method: 'lora' }, quantization: 'nf4', sequenceLength: 512 } as const;
    const { advice } = advised({ values: small, nodes: [a100(), slices, l4], podSets: [pinned] });
    expect(advice).toHaveLength(1);
    expect(advice[0]?.summary).toBe(
      'nodeAffinity nvidia.com/gpu.product In [NVIDIA-L4], in place of what selects nodes by device now: needs 7.9 GiB, fits, sets 57 GiB of GPU memory free',
    );
    expect(advice[0]?.costs).toEqual(['NVIDIA L4 is slower']);
  });

  it('is told nothing where its device is of the right size', () => {
    expect(advised({ values: { sequenceLength: 512 }, nodes: [a100(150)] }).advice).toEqual([]);
  });
});

describe('GPUs that no process uses', () => {
  const values = { sequenceLength: 512, peft: { ...RUN_VALUES.peft, method: 'lora' }, processesPerNode: 2 } as const;
  const four = [podSet({ devices: [request(4)] })];
  const place = { document: 'manifest', path: 'spec.args[0]', text: '2' };

  it('are named where the launcher says how many processes there are', () => {
    const said = withSetting(run(values), 'processesPerNode', { value: 2, evidence: { kind: 'read', place } });
    const { advice } = advised({ run: said, nodes: [a100()], podSets: four });
    expect(advice.map(({ summary }) => summary)).toContain(
      'nvidia.com/gpu: 2 (was 4): needs 35.5 GiB, fits, sets 2 unused GPUs free',
    );
  });

  it('are not guessed: one process may use them all', () => {
    expect(advised({ values, nodes: [a100()], podSets: four }).advice).toEqual([]);
  });
});

describe('a run that has no place', () => {
  it('is told as many devices per pod as there are', () => {
    const parallelism = { ...RUN_VALUES.parallelism, sharding: 'fsdp-full', data: 16, shardSize: 16 } as const;
    const values = { parallelism, worldSize: 16, processesPerNode: 16, globalBatchSize: 128 };
    const { advice } = advised({ values, nodes: [a100()], podSets: [podSet({ devices: [request(16)] })] });
    expect(advice[0]?.changes.map(({ write }) => write)).toContain('nvidia.com/gpu: 8 (was 16)');
    expect(advice[0]?.verdict).toBe('fits');
    // It has no estimate of its own: the operations are those of the run that is advised.
    expect(advice[0]?.effects).toMatchObject({ operationsPerSample: 1, devices: { before: 16, after: 8 } });
  });
});
