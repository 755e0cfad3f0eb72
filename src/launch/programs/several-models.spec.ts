import { beforeAll, describe, expect, it } from '@jest/globals';
import { installedGrammars, job, readManifest, setting } from '../../../test/builders/launch.js';
import { manifestRuns } from '../../../test/builders/manifest-runs.js';
import type { Grammars } from '../grammars.js';
import type { RunReading } from '../reading.js';

let grammars: Grammars;
beforeAll(async () => {
  grammars = await installedGrammars();
});

const readings = (file: string): readonly RunReading[] =>
  manifestRuns(`test/fixtures/manifests/${file}.yaml`, grammars).flatMap(({ runs }) => runs);

interface Told {
  role: string;
  does: string | undefined;
  model: string | undefined;
  rows: number | undefined;
}

const told = (file: string): Told[] =>
  readings(file).map(({ role, run }) => ({
    role,
    does: run?.activity.value,
    model: run?.model.value?.name,
    rows: run?.microBatchSize.value,
  }));

const of = (file: string, role: string): RunReading | undefined => readings(file).find((one) => one.role === role);

describe('reinforcement learning', () => {
  it('of verl with a critic trains two models, scores with the actor, and generates beside them', () => {
    const [actor, critic] = ['Qwen/Qwen2.5-1.5B-Instruct', 'Qwen/Qwen2.5-0.5B-Instruct'];
    expect(told('verl-ppo-critic')).toEqual([
      { role: 'actor', does: 'train', model: actor, rows: 8 },
      { role: 'log-probabilities', does: 'forward', model: actor, rows: 16 },
      { role: 'critic', does: 'train', model: critic, rows: 16 },
      { role: 'rollout', does: 'generate', model: actor, rows: 1 },
    ]);
    const file = 'verl-ppo-critic';
    expect(setting(of(file, 'actor'), 'sharing.keepsParameters')).toMatchObject({
      value: false,
      evidence: { kind: 'read', place: { text: 'True' } },
    });
    expect(of(file, 'log-probabilities')?.run?.sharing.borrowsWeights.value).toBe(true);
    expect(of(file, 'critic')?.run).toMatchObject({
      task: { value: 'token-classification' },
      numClasses: { value: 1 },
    });
    expect(of(file, 'rollout')?.run).toMatchObject({
      parallelism: { tensor: { value: 1 } },
      sharing: { deviceShare: { value: 0.4 }, keepsParameters: { value: false } },
    });
  });

  it('of verl with a divergence holds a reference, which waits in the host', () => {
    expect(told('verl-grpo').map(({ role }) => role)).toEqual(['actor', 'log-probabilities', 'reference', 'rollout']);
    expect(of('verl-grpo', 'reference')?.run?.sharing.keepsParameters.value).toBe(false);
  });

  it('of OpenRLHF with all models together has a process for each, on the eight GPUs of the actor', () => {
    const all = readings('openrlhf-ppo-ray');
    expect(all.map(({ role, run }) => [role, run?.sharing.process.value, run?.worldSize.value])).toEqual([
      ['actor', 'common', 8],
      ['reference', 'own', 8],
      ['critic', 'own', 8],
      ['rollout', 'own', 8],
    ]);
    expect(setting(of('openrlhf-ppo-ray', 'rollout'), 'sharing.deviceShare')).toMatchObject({ value: 0.95 });
  });

  it('of TRL with vLLM in its processes leaves it its share', () => {
    expect(told('trl-grpo-vllm').map(({ role, does }) => [role, does])).toEqual([
      ['policy', 'train'],
      ['reference', 'forward'],
      ['rollout', 'generate'],
    ]);
    expect(of('trl-grpo-vllm', 'rollout')?.run?.sharing).toMatchObject({
      process: { value: 'common' },
      keepsParameters: { value: true },
      deviceShare: { value: 0.35, evidence: { kind: 'read' } },
    });
  });

  it('of TRL without it generates with the policy itself', () => {
    expect(told('trl-grpo').map(({ role }) => role)).toEqual(['policy', 'generation']);
    expect(of('trl-grpo', 'generation')?.run?.sharing).toMatchObject({
      borrowsWeights: { value: true },
      deviceShare: { value: null },
    });
  });

  it('of TRL by PPO has four models, two of them trained in one step', () => {
    const reward = 'EleutherAI/pythia-410m-deduped';
    expect(told('trl-ppo')).toMatchObject([
      { role: 'policy', does: 'train', rows: 8 },
      { role: 'reference', does: 'forward', rows: 16 },
      { role: 'reward', does: 'forward', model: reward, rows: 16 },
      { role: 'value', does: 'train', model: reward, rows: 8 },
      { role: 'generation', does: 'generate' },
    ]);
    expect(of('trl-ppo', 'value')?.run?.sharing.turn.value).toBe('within-step');
  });
});

describe('preference training', () => {
  it.each(['trl-dpo', 'openrlhf-dpo'])(
    '%s holds a frozen copy that answers within the step, on both answers',
    (file) => {
      const [policy, reference] = told(file);
      expect(policy).toMatchObject({ role: 'policy', does: 'train' });
      expect(reference).toEqual({ role: 'reference', does: 'forward', model: policy?.model, rows: policy?.rows });
      expect(readings(file).map(({ run }) => run?.rowsPerSample.value)).toEqual([2, 2]);
      expect(setting(of(file, 'reference'), 'sharing.turn')).toMatchObject({ value: 'within-step' });
    },
  );

  it('holds none where its log-probabilities were worked out before', () => {
    const command = ['trl', 'dpo', '--model_name_or_path', 'gpt2', '--precompute_ref_log_probs'];
    expect(readManifest(job({ command }), grammars).map(({ role }) => role)).toEqual(['policy']);
  });
});

describe('distillation', () => {
  it.each([
    ['trl-gkd', 'Qwen/Qwen2-0.5B-Instruct', 'Qwen/Qwen2-1.5B-Instruct'],
    ['openrlhf-kd', 'Qwen/Qwen2.5-0.5B', 'Qwen/Qwen2.5-7B-Instruct'],
    ['torchtune-distillation', 'Qwen/Qwen2-0.5B', 'Qwen/Qwen2-1.5B'],
    ['python-distillation', 'Qwen/Qwen2.5-0.5B', 'Qwen/Qwen2.5-7B'],
  ])('%s trains a student and holds a frozen teacher', (file, student, teacher) => {
    const roles = told(file);
    expect(roles[0]).toMatchObject({ role: 'student', does: 'train', model: student });
    expect(roles[1]).toMatchObject({ role: 'teacher', does: 'forward', model: teacher });
    expect(of(file, 'teacher')?.run?.sharing.turn.value).toBe('within-step');
  });

  it('reads the type in which a source loads its teacher, not that of the student', () => {
    expect(setting(of('python-distillation', 'teacher'), 'weights')).toMatchObject({
      value: 'bf16',
      evidence: { kind: 'read', place: { text: 'torch.bfloat16' } },
    });
    expect(of('python-distillation', 'student')?.run?.weights.value).toBeNull();
  });
});
