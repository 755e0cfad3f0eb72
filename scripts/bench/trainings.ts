import type { RunReading } from '../../src/launch/reading.js';
import { readRuns } from '../../src/launch/read-runs.js';
import type { Grammars } from '../../src/launch/grammars.js';
import type { TrainingRun } from '../../src/run/training-run.js';
import { readWorkload } from '../../src/workload/read-workload.js';
import type { JsonObject } from '../../src/workload/workload.js';

interface Training {
  what: string;
  command: string;
  gpus: number;
}

const LLAMA =
  '--model_name_or_path meta-llama/Meta-Llama-3-8B --per_device_train_batch_size 1 --bf16 True ' +
  '--gradient_checkpointing True --max_length 2048 --output_dir /out';

/** Trainings as people write them, from a few thousand to some tens of thousands of events. */
const TRAININGS: readonly Training[] = [
  {
    what: 'GPT-2',
    gpus: 1,
    command:
      'python run_clm.py --model_name_or_path gpt2 --per_device_train_batch_size 8 --block_size 1024 --fp16 --do_train --output_dir /out',
  },
  {
    what: 'BERT base',
    gpus: 1,
    command:
      'python run_glue.py --model_name_or_path google-bert/bert-base-uncased --per_device_train_batch_size 32 ' +
      '--max_seq_length 128 --pad_to_max_length True --do_train --output_dir /out',
  },
  { what: 'ResNet-50', gpus: 1, command: 'python main.py -a resnet50 --batch-size 256 --gpu 0 /data/imagenet' },
  { what: 'Llama 3 8B', gpus: 1, command: `python -m trl.scripts.sft ${LLAMA}` },
  {
    what: 'Llama 3 8B, LoRA',
    gpus: 1,
    command: `python -m trl.scripts.sft ${LLAMA} --use_peft --lora_r 16 --lora_target_modules q_proj v_proj`,
  },
  {
    what: 'Llama 3 8B, FSDP over 8',
    gpus: 8,
    command:
      `torchrun --nproc_per_node 8 sft.py ${LLAMA} --fsdp "full_shard auto_wrap" ` +
      '--fsdp_transformer_layer_cls_to_wrap LlamaDecoderLayer',
  },
  {
    what: 'Llama 3.1 405B, FSDP over 128',
    gpus: 8,
    command:
      'torchrun --nnodes 16 --nproc_per_node 8 sft.py --model_name_or_path meta-llama/Llama-3.1-405B ' +
      '--per_device_train_batch_size 1 --bf16 True --gradient_checkpointing True --max_length 4096 --output_dir /out ' +
      '--fsdp "full_shard auto_wrap" --fsdp_transformer_layer_cls_to_wrap LlamaDecoderLayer',
  },
  {
    what: 'Mixture of experts of 60 layers, in four dimensions',
    gpus: 8,
    command:
      'torchrun --nnodes 32 --nproc_per_node 8 pretrain_gpt.py --num-layers 60 --hidden-size 5120 ' +
      '--num-attention-heads 40 --group-query-attention --num-query-groups 8 --ffn-hidden-size 12288 ' +
      '--seq-length 4096 --max-position-embeddings 4096 --micro-batch-size 1 --global-batch-size 256 ' +
      '--num-experts 64 --moe-router-topk 6 --moe-ffn-hidden-size 1536 --moe-grouped-gemm ' +
      '--tensor-model-parallel-size 4 --pipeline-model-parallel-size 4 --expert-model-parallel-size 8 ' +
      '--context-parallel-size 2 --sequence-parallel --swiglu --normalization RMSNorm --bf16 ' +
      '--use-distributed-optimizer --tokenizer-type NullTokenizer --vocab-size 128000 --attention-backend flash',
  },
];

export interface NamedRun {
  what: string;
  run: TrainingRun;
}

/** The trainings, read. */
export function readTrainings(grammars: Grammars): readonly NamedRun[] {
  return TRAININGS.map(({ what, command, gpus }) => ({
    what,
    run: theRun(what, read(jobOf(command, gpus), grammars)),
  }));
}

/** A Job that runs a command in a shell on some GPUs. */
export function jobOf(command: string, gpus: number): JsonObject {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'train', namespace: 'research' },
    spec: {
      template: {
        spec: {
          restartPolicy: 'Never',
          containers: [
            {
              name: 'train',
              image: 'pytorch/pytorch:2.7.0-cuda12.6-cudnn9-runtime',
              command: ['bash', '-c', command],
              resources: { limits: { 'nvidia.com/gpu': gpus } },
            },
          ],
        },
      },
    },
  };
}

/** Manifest to training runs: what the webhook does before it estimates. */
export function read(manifest: JsonObject, grammars: Grammars): RunReading[] {
  const workload = readWorkload(manifest);
  return workload === null ? [] : readRuns(workload, { configMap: () => undefined }, grammars);
}

function theRun(what: string, readings: readonly RunReading[]): TrainingRun {
  const run = readings[0]?.run ?? null;
  const open = readings.flatMap(({ unknown }) => unknown.map(({ field, reason }) => `${field}: ${reason}`));
  if (run === null || open.length > 0) throw new Error(`${what} is not read whole: ${open.join('; ')}`);
  return run;
}
