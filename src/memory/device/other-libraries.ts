import type { RunValues } from '../../run/training-run.js';
import type { DeviceTraits } from '../estimate.js';
import type { DeviceMechanism } from './mechanism.js';
import { mebibytes } from './mechanism.js';

/**
 * What language-model trainers were seen to hold beside context and allocator: 583, with another build 436 MiB, on A100
 * (AgileRL, single GPU); nothing of that size on T4 (torch-preflight). Their kernels come as modules of their own:
 * Triton, flash-attn, bitsandbytes.
 */
const LANGUAGE_MODEL_TRAINER = mebibytes(0, 300, 600);
const PLAIN_SCRIPT = mebibytes(0, 0, 150);
const SMALL_DEVICE = mebibytes(0, 0, 150);

const TRAINER_PACKAGES = [
  'transformers',
  'trl',
  'peft',
  'bitsandbytes',
  'flash-attn',
  'deepspeed',
  'axolotl',
  'unsloth',
];

/** Modules and workspaces of libraries outside PyTorch. */
export const otherLibraries: DeviceMechanism = {
  name: 'other-libraries',
  category: 'libraries',
  remedy: null,
  bytes(run, device) {
    if (isSmall(device)) return SMALL_DEVICE;
    return isTrainer(run) ? LANGUAGE_MODEL_TRAINER : PLAIN_SCRIPT;
  },
};

const isSmall = (device: DeviceTraits): boolean => /\bT4\b|\bL4\b|\bP4\b/.test(device.model);

function isTrainer({ program, framework }: RunValues): boolean {
  const names = `${program?.name ?? ''} ${framework.name}`.toLowerCase();
  return TRAINER_PACKAGES.some((name) => Object.hasOwn(framework.packages, name) || names.includes(name));
}
