import { Agent, request } from 'node:https';
import { waitFor } from './wait-for.js';
import type { AdminAccess } from './state-directory.js';

const requestTimeoutMs = 5_000;

/** How long to wait, and what ends the wait early. */
export interface Patience {
  timeoutMs: number;
  signal: AbortSignal;
}

/** Waits until a path of the API server answers 200. Throws when that takes longer than `timeoutMs`, and when aborted. */
export async function waitUntilAnswering(access: AdminAccess, path: string, patience: Patience): Promise<void> {
  const agent = new Agent({ ca: access.caPem, cert: access.certificatePem, key: access.privateKeyPem });
  const isAnswering = async () => (await statusOf(`${access.server}${path}`, agent)) === 200;
  await waitFor(isAnswering, { ...patience, what: `the API server answers ${path}`, intervalMs: 25 });
}

function statusOf(url: string, agent: Agent): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const call = request(url, { agent, timeout: requestTimeoutMs }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    call.on('timeout', () => call.destroy(new Error(`no answer from ${url} within ${requestTimeoutMs / 1000} s`)));
    call.on('error', reject);
    call.end();
  });
}
