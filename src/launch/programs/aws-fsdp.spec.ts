import { beforeAll, describe, expect, it } from '@jest/globals';
import { installedGrammars, manifest, readManifest, setting, settings } from '../../../test/builders/launch.js';
import type { Grammars } from '../grammars.js';
import type { RunReading } from '../reading.js';

let grammars: Grammars;
beforeAll(async () => {
  grammars = await installedGrammars();
});

const DIMENSIONS = [
  '--max_context_width=2048',
  '--num_key_value_heads=4',
  '--intermediate_size=5632',
  '--hidden_width=2048',
  '--num_layers=22',
  '--num_heads=32',
  '--vocab_size=32000',
  '--model_type=llama_v2',
];

/** Two nodes of four GPUs, joined by torchrun. */
function train(...flags: readonly string[]): RunReading | undefined {
  const words = ['torchrun', '--nproc_per_node=4', '--nnodes=2', '/fsdp/train.py', ...DIMENSIONS, ...flags];
  const yaml = `
apiVersion: kubeflow.org/v1
kind: PyTorchJob
metadata: {name: fsdp}
spec:
  nprocPerNode: "4"
  pytorchReplicaSpecs:
    Worker:
      replicas: 2
      template:
        spec:
          containers:
            - name: pytorch
              image: example.com/fsdp:latest
              resources: {limits: {nvidia.com/gpu: 4, vpc.amazonaws.com/efa: 1}}
              command: ${JSON.stringify(words)}
`;
  return readManifest(manifest(yaml), grammars)[0];
}

describe('the FSDP example of AWS', () => {
  it('is read into the architecture that its dimensions describe, sharded over all processes', () => {
    const reading = train('--train_batch_size=1', '--sharding_strategy=full', '--offload_activations=1');
    expect(reading?.unknown).toEqual([]);
    expect(setting(reading, 'program').value).toMatchObject({ name: 'AWS FSDP example' });
    expect(setting(reading, 'model').value).toEqual({
      name: 'llama by its dimensions',
      catalogId: null,
      config: {
        model_type: 'llama',
        tie_word_embeddings: false,
        vocab_size: 32000,
        hidden_size: 2048,
        intermediate_size: 5632,
        num_hidden_layers: 22,
        num_attention_heads: 32,
        num_key_value_heads: 4,
        max_position_embeddings: 2048,
      },
    });
    expect(
      settings(
        reading,
        'microBatchSize',
        'parallelism.sharding',
        'parallelism.shardSize',
        'worldSize',
        'precision',
        'activationCheckpointing',
        'offload.activations',
        'optimizer.name',
      ),
    ).toEqual({
      microBatchSize: 1,
      'parallelism.sharding': 'fsdp-full',
      'parallelism.shardSize': 8,
      worldSize: 8,
      precision: 'amp-bf16',
      activationCheckpointing: 'full',
      'offload.activations': true,
      'optimizer.name': 'adamw',
    });
  });

  it('is fed rows of 4096 tokens whatever the width of the context, and says so', () => {
    const reading = train();
    expect(settings(reading, 'sequenceLength', 'microBatchSize')).toEqual({ sequenceLength: 4096, microBatchSize: 2 });
    expect(reading?.notes.join('\n')).toContain('--max_context_width=2048 sets the positions only');
  });

  it('may shard within nodes, compute in fp32, keep activations and offload its shards', () => {
    const flags = ['--sharding_strategy=hybrid', '--bf16=0', '--activation_checkpointing=0', '--cpu_offload=1'];
    expect(
      settings(
        train(...flags),
        'parallelism.sharding',
        'precision',
        'activationCheckpointing',
        'offload.parameters',
        'offload.optimizer',
      ),
    ).toEqual({
      'parallelism.sharding': 'hsdp',
      precision: 'fp32',
      activationCheckpointing: 'none',
      'offload.parameters': true,
      'offload.optimizer': true,
    });
  });

  it('leaves the model open where a dimension is left to envsubst', () => {
    const reading = train('--hidden_width=$WIDTH');
    expect(reading?.unknown.map(({ field }) => field)).toContain('model');
  });
});
