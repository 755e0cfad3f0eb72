import type { ExitStatus } from '../exit-status.js';
import { EXIT } from '../exit-status.js';

/** `plimsoll serve`: the service itself, as `npm start` runs it; settings are environment variables. */
export async function serveCommand(): Promise<ExitStatus> {
  await import('../../main.js');
  return EXIT.fits;
}
