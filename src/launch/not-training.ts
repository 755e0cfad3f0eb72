import { baseName } from './text/characters.js';
import { splitImage } from './versions.js';
import type { Invocation } from './programs/invocation.js';
import { trains } from './programs/python-source.js';

/** Commands that hold a GPU without training, and what they do. */
const COMMANDS: Readonly<Record<string, string>> = {
  sleep: 'only sleeps',
  tail: 'only waits (tail)',
  'nvidia-smi': 'only prints the state of the GPUs',
  dcgmi: 'runs GPU diagnostics',
  vectoradd: 'runs a CUDA sample',
  deviceQuery: 'runs a CUDA sample',
  gpu_burn: 'burns the GPU in',
  all_reduce_perf: 'measures NCCL',
  vllm: 'serves a model (vLLM)',
  'text-generation-launcher': 'serves a model (TGI)',
  tritonserver: 'serves models (Triton)',
  trtllm: 'serves a model (TensorRT-LLM)',
  ollama: 'serves a model (Ollama)',
  lmdeploy: 'serves a model (LMDeploy)',
  jupyter: 'runs a notebook server',
  'jupyter-lab': 'runs a notebook server',
  'code-server': 'runs an editor',
  sshd: 'only waits for connections (sshd)',
};

/** Reasons of pods that wait for another pod to start their processes. */
export const WAITING: ReadonlySet<string> = new Set(['only waits for connections (sshd)', 'only starts a Ray node']);

const MODULES: Readonly<Record<string, string>> = {
  'vllm.entrypoints.openai.api_server': 'serves a model (vLLM)',
  'vllm.entrypoints.api_server': 'serves a model (vLLM)',
  'sglang.launch_server': 'serves a model (SGLang)',
  'http.server': 'serves files',
  'torch.utils.collect_env': 'only prints the environment',
};

/** Why a command does not train, or null where nothing says so. */
export function whyNotTraining(invocation: Invocation): string | null {
  const { kind, name, args, python } = invocation;
  if (python) return trains(python) ? null : 'runs a Python source without a backward pass or a trainer';
  if (kind === 'module') return own(MODULES, name);
  if (kind !== 'console') return null;
  if (name === 'ray') return args[0]?.text === 'start' ? 'only starts a Ray node' : null;
  return own(COMMANDS, baseName(name));
}

const own = (table: Readonly<Record<string, string>>, key: string): string | null =>
  Object.hasOwn(table, key) ? (table[key] ?? null) : null;

/** Images that hold a GPU without training, by the last part of their name. */
const IMAGES: Readonly<Record<string, string>> = {
  sleep: 'only sleeps',
  pause: 'only waits',
  busybox: 'has no training program (busybox)',
  'cuda-sample': 'runs a CUDA sample',
  'nccl-tests': 'measures NCCL',
  'gpu-burn': 'burns the GPU in',
  dcgm: 'runs GPU diagnostics',
  'vllm-openai': 'serves a model (vLLM)',
  'text-generation-inference': 'serves a model (TGI)',
  'text-embeddings-inference': 'serves a model (TEI)',
  tritonserver: 'serves models (Triton)',
  sglang: 'serves a model (SGLang)',
  ollama: 'serves a model (Ollama)',
};

/** Why the entrypoint of an image does not train, or null where nothing says so. */
export function whyImageDoesNotTrain(image: string | null): string | null {
  return image === null ? null : own(IMAGES, baseName(splitImage(image).repository));
}
