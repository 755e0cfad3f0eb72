import { isAtLeast } from '../versions.js';
import type { ProgramContext } from './program.js';

/** TRL turned checkpointing on by default in 0.22 and bf16 in 0.19. */
export function trainerDefaults({ versions }: ProgramContext): {
  of: string;
  checkpointing: boolean | null;
  bf16: boolean | null;
} {
  const version = versions.get('trl');
  const since = (from: string): boolean | null => (version === null ? null : isAtLeast(version, from));
  return { of: 'trl', checkpointing: since('0.22.0'), bf16: since('0.19.0') };
}
