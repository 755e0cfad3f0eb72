import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe } from '@jest/globals';

/** The folder beside a checkout that may hold facts too large for the project; tests that want it say so. */
const SHARED = fileURLToPath(new URL('../../../shared', import.meta.url));

/** Path of something in the shared folder. */
export const sharedPath = (...parts: readonly string[]): string => join(SHARED, ...parts);

/** `describe` where the shared folder has the data, else a skipped one that says loudly what was not compared. */
export function describeWithShared(part: string, title: string, tests: () => void): void {
  if (existsSync(sharedPath(part))) {
    describe(title, tests);
    return;
  }
  process.stderr.write(`\nSKIPPED: "${title}" needs ../shared/${part}, which is not there.\n`);
  describe.skip(`${title} (needs ../shared/${part})`, tests);
}
