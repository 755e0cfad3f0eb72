import type { ExitStatus } from '../exit-status.js';
import { EXIT } from '../exit-status.js';

/** `plimsoll serve`: the service itself; settings are environment variables. What keeps it from starting it says itself. */
export async function serveCommand(): Promise<ExitStatus> {
  await import('../../main.js');
  return process.exitCode === undefined || process.exitCode === 0 ? EXIT.fits : EXIT.error;
}
