import { accelerate } from './accelerate.js';
import { composer } from './composer.js';
import { deepspeed } from './deepspeed.js';
import { horovodrun } from './horovodrun.js';
import type { Launcher } from './launcher.js';
import { mpirun } from './mpirun.js';
import { raySubmit } from './ray-submit.js';
import { torchrun } from './torchrun.js';

/** Every launcher that is understood. They may stand inside each other. */
export const LAUNCHERS: readonly Launcher[] = [
  torchrun,
  accelerate,
  deepspeed,
  composer,
  mpirun,
  horovodrun,
  raySubmit,
];
