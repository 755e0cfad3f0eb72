import fc from 'fast-check';
import { stringify } from 'yaml';

/** An option of a program with the values that it may be given here. */
type Option = readonly [name: string, ...values: string[]];

/** How options stand in a command: `--a 1`, `--a=1`, `a=1`; or as keys of a file in a ConfigMap. */
type Style = 'argument' | 'joined' | 'override' | 'file';

interface Program {
  /** The words before the options. For `file` the last one is the path of the mounted file. */
  start: readonly string[];
  style: Style;
  required: readonly Option[];
  optional: readonly Option[];
  /** `torchrun` may stand before it. */
  isScript?: boolean;
}

const TRAINER: readonly Option[] = [
  ['--per_device_train_batch_size', '1', '4', '6', '16'],
  ['--gradient_accumulation_steps', '1', '3', '8'],
  ['--gradient_checkpointing', 'true', 'false'],
  ['--optim', 'adamw_torch', 'adamw_torch_fused', 'adafactor', 'sgd'],
  ['--bf16', 'true'],
];
const LORA: readonly Option[] = [
  ['--lora_r', '8', '64'],
  ['--attn_implementation', 'eager', 'sdpa'],
];
const LLAMA: Option = ['--model_name_or_path', 'meta-llama/Llama-3.2-1B', 'Qwen/Qwen2.5-0.5B'];

/** Programs with options as people give them; each value is one that the program takes. */
export const GENERATED_PROGRAMS: Readonly<Record<string, Program>> = {
  'transformers example': {
    start: ['python', 'run_clm.py'],
    style: 'argument',
    isScript: true,
    required: [LLAMA, ['--do_train', 'true']],
    optional: [...TRAINER, ['--block_size', '512', '1024', '4096']],
  },
  'trl sft': {
    start: ['trl', 'sft'],
    style: 'argument',
    required: [LLAMA],
    optional: [...TRAINER, ...LORA, ['--use_peft', 'true'], ['--max_length', '1024', '8192']],
  },
  'trl dpo': {
    start: ['python', 'dpo.py'],
    style: 'argument',
    isScript: true,
    required: [LLAMA, ['--dataset_name', 'pairs']],
    optional: [...TRAINER, ...LORA, ['--use_peft', 'true'], ['--max_length', '1024', '2048']],
  },
  'trl grpo': {
    start: ['trl', 'grpo'],
    style: 'argument',
    required: [LLAMA, ['--max_completion_length', '512']],
    optional: [...TRAINER, ['--beta', '0.04'], ['--num_generations', '4']],
  },
  'fms-hf-tuning': {
    start: ['python', '-m', 'tuning.sft_trainer'],
    style: 'joined',
    required: [LLAMA],
    optional: [...TRAINER, ['--max_seq_length', '2048', '4096'], ['--r', '8']],
  },
  'ms-swift': {
    start: ['swift', 'sft'],
    style: 'argument',
    required: [
      ['--model', 'Qwen/Qwen2.5-0.5B-Instruct'],
      ['--max_length', '1024', '4096'],
    ],
    optional: [...TRAINER, ['--train_type', 'lora', 'full'], ['--lora_rank', '8', '32']],
  },
  torchtune: {
    start: ['tune', 'run', 'full_finetune_single_device', '--config', 'llama3_2/1B_full_single_device'],
    style: 'override',
    required: [['batch_size', '2', '4', '12']],
    optional: [
      ['gradient_accumulation_steps', '1', '4'],
      ['tokenizer.max_seq_len', '2048', '4096'],
      ['enable_activation_checkpointing', 'True', 'False'],
    ],
  },
  litgpt: {
    start: ['litgpt', 'finetune_full', 'EleutherAI/pythia-1b'],
    style: 'argument',
    required: [['--train.max_seq_length', '512', '2048']],
    optional: [
      ['--train.micro_batch_size', '1', '4'],
      ['--train.global_batch_size', '16', '24'],
    ],
  },
  nanoGPT: {
    start: ['python', 'train.py', 'config/train_gpt2.py'],
    style: 'joined',
    isScript: true,
    required: [['--batch_size', '4', '12']],
    optional: [
      ['--block_size', '512', '1024'],
      ['--gradient_accumulation_steps', '8', '40'],
    ],
  },
  openrlhf: {
    start: ['deepspeed', '--module', 'openrlhf.cli.train_sft'],
    style: 'argument',
    required: [
      ['--pretrain', 'Qwen/Qwen2.5-0.5B'],
      ['--max_len', '1024', '4096'],
    ],
    optional: [
      ['--micro_train_batch_size', '2', '8'],
      ['--train_batch_size', '64', '128'],
      ['--zero_stage', '1', '2', '3'],
    ],
  },
  'verl sft': {
    start: ['python', '-m', 'verl.trainer.fsdp_sft_trainer'],
    style: 'override',
    required: [['model.partial_pretrain', 'Qwen/Qwen2.5-0.5B']],
    optional: [
      ['data.micro_batch_size_per_gpu', '2', '8'],
      ['data.train_batch_size', '64', '256'],
      ['data.max_length', '1024', '4096'],
    ],
  },
  timm: {
    start: ['python', '/workspace/pytorch-image-models/train.py'],
    style: 'argument',
    isScript: true,
    required: [['--model', 'resnet50', 'vit_base_patch16_224']],
    optional: [
      ['--batch-size', '32', '96'],
      ['--img-size', '224', '384'],
      ['--grad-accum-steps', '2'],
    ],
  },
  'torchvision references': {
    start: ['python', 'references/classification/train.py'],
    style: 'argument',
    isScript: true,
    required: [['--model', 'resnet50', 'vgg16']],
    optional: [
      ['--batch-size', '32', '96'],
      ['--train-crop-size', '176', '224', '448'],
    ],
  },
  'ImageNet example': {
    start: ['python', 'main.py'],
    style: 'argument',
    isScript: true,
    required: [['--arch', 'resnet18', 'resnet152']],
    optional: [['--batch-size', '64', '256']],
  },
  diffusers: {
    start: ['accelerate', 'launch', 'train_text_to_image.py'],
    style: 'argument',
    required: [['--pretrained_model_name_or_path', 'stable-diffusion-v1-5/stable-diffusion-v1-5']],
    optional: [
      ['--train_batch_size', '2', '8'],
      ['--resolution', '512', '768'],
      ['--gradient_accumulation_steps', '4'],
    ],
  },
  axolotl: {
    start: ['axolotl', 'train', '/config/train.yaml'],
    style: 'file',
    required: [
      ['base_model', 'NousResearch/Llama-3.2-1B'],
      ['sequence_len', '2048', '4096'],
    ],
    optional: [
      ['micro_batch_size', '2', '4'],
      ['gradient_accumulation_steps', '2', '4'],
      ['adapter', 'lora'],
      ['lora_r', '16', '32'],
      ['gradient_checkpointing', 'true', 'false'],
      ['optimizer', 'adamw_torch_fused', 'adamw_torch'],
      ['bf16', 'auto'],
    ],
  },
  llamafactory: {
    start: ['llamafactory-cli', 'train', '/config/train.yaml'],
    style: 'file',
    required: [
      ['model_name_or_path', 'meta-llama/Llama-3.2-1B'],
      ['stage', 'sft'],
      ['finetuning_type', 'lora', 'full'],
    ],
    optional: [
      ['per_device_train_batch_size', '2', '8'],
      ['gradient_accumulation_steps', '2', '8'],
      ['cutoff_len', '1024', '4096'],
      ['bf16', 'true'],
      ['flash_attn', 'sdpa', 'fa2'],
    ],
  },
};

const given = ([name, ...values]: Option): fc.Arbitrary<readonly [string, string]> =>
  fc.constantFrom(...values).map((value) => [name, value] as const);

/** The options in any order, with any of the optional ones. */
function optionsOf({ required, optional }: Program): fc.Arbitrary<readonly (readonly [string, string])[]> {
  return fc
    .subarray([...optional])
    .chain((chosen) => fc.tuple(...[...required, ...chosen].map(given)))
    .chain((options) => fc.shuffledSubarray(options, { minLength: options.length }));
}

function worded(style: Style, options: readonly (readonly [string, string])[]): string[] {
  if (style === 'file') return [];
  return options.flatMap(([name, value]) => (style === 'argument' ? [name, value] : [`${name}=${value}`]));
}

/** The ways in which a container's command is written. */
const LAYOUTS = ['items', 'flow', 'line', 'script'] as const;
type Layout = (typeof LAYOUTS)[number];

function commandText(layout: Layout, start: readonly string[], words: readonly string[]): string {
  const item = (word: string): string => JSON.stringify(word);
  if (layout === 'flow') return `command: [${start.map(item).join(', ')}]\nargs: [${words.map(item).join(', ')}]`;
  if (layout === 'line') return `command: [bash, -c, ${item([...start, ...words].join(' '))}]`;
  if (layout === 'script') {
    const lines = [start.join(' '), ...words].join(' \\\n    ');
    return `command: ["/bin/sh", "-c"]\nargs:\n  - |\n    # what is trained\n    set -e\n    ${lines}`;
  }
  return `command:\n${start.map((word) => `  - ${item(word)}`).join('\n')}\nargs: # as the owner likes it\n${words.map((word) => `  - ${item(word)}`).join('\n')}`;
}

const indented = (text: string, spaces: number): string => text.replaceAll('\n', `\n${' '.repeat(spaces)}`);

interface Pod {
  command: string;
  gpus: number;
  mounted: boolean;
}

function podSpec({ command, gpus, mounted }: Pod): string {
  const mount = mounted ? '\n    volumeMounts: [{ name: config, mountPath: /config }]' : '';
  const volume = mounted ? 'volumes: [{ name: config, configMap: { name: options } }]\n' : '';
  return `${volume}containers:
  - name: pytorch
    image: registry.example.com/train:1.0
    ${indented(command, 4)}
    resources:
      limits:
        nvidia.com/gpu: ${gpus} # of one node${mount}`;
}

const asJob = (spec: string): string => `apiVersion: batch/v1
kind: Job
metadata:
  name: generated
spec:
  template:
    spec:
      ${indented(spec, 6)}
`;

const replica = (spec: string): string => `replicas: 1
template:
  spec:
    ${indented(spec, 4)}`;

/** Master and worker with one command, as two pod sets that train together. */
const asPyTorchJob = (spec: string): string => `apiVersion: kubeflow.org/v1
kind: PyTorchJob
metadata:
  name: generated
spec:
  pytorchReplicaSpecs:
    Master:
      ${indented(replica(spec), 6)}
    Worker:
      ${indented(replica(spec), 6)}
`;

const configMap = (options: readonly (readonly [string, string])[]): string => {
  const text = options.map(([name, value]) => `${name}: ${value}`).join('\n');
  return `${stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'options' } })}data:
  train.yaml: |
    # settings of the training
    ${indented(text, 4)}
---
`;
};

/** Processes of a node that `torchrun` starts: all devices, fewer, or none of its doing. */
const launched = (program: Program, gpus: number): fc.Arbitrary<readonly string[]> => {
  if (program.isScript !== true) return fc.constant(program.start);
  const [, ...script] = program.start;
  return fc
    .constantFrom(gpus, Math.ceil(gpus / 2))
    .map((processes) => ['torchrun', `--nproc_per_node=${processes}`, ...script]);
};

export interface GeneratedManifest {
  program: string;
  text: string;
}

/** Manifests of training programs with their options in any order and layout. */
export function generatedManifest(name: string): fc.Arbitrary<GeneratedManifest> {
  const program = GENERATED_PROGRAMS[name];
  if (program === undefined) throw new Error(`no program is called ${name}`);
  return fc.constantFrom(1, 2, 4, 8, 16).chain((gpus) =>
    fc
      .record({
        start: launched(program, gpus),
        options: optionsOf(program),
        layout: fc.constantFrom(...LAYOUTS),
        wrap: fc.constantFrom(asJob, asJob, asPyTorchJob),
      })
      .map(({ start, options, layout, wrap }) => {
        const isFile = program.style === 'file';
        const [head, words] = isFile ? [start.slice(0, -1), start.slice(-1)] : [start, worded(program.style, options)];
        const spec = podSpec({ command: commandText(layout, head, words), gpus, mounted: isFile });
        return { program: name, text: `${isFile ? configMap(options) : ''}${wrap(spec)}` };
      }),
  );
}
