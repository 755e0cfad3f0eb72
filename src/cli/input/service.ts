import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { CliError } from '../cli-error.js';

/** A running service, and how to prove who asks. */
export interface ServiceOptions {
  /** Base URL, such as `http://127.0.0.1:8080`. */
  server?: string;
  /** File with a bearer token. */
  tokenFile?: string;
}

const TIMEOUT_MS = 30_000;
const MOST_BYTES = 64 * 1024 ** 2;
const WHERE = 'name the running service, such as --server http://127.0.0.1:8080';

const problemSchema = z.object({ detail: z.string() });

/** GET of a path of the service's REST API, as JSON. Throws CliError where it cannot be asked or refuses. */
export async function askService({ server, tokenFile }: ServiceOptions, path: string): Promise<unknown> {
  const url = urlOf(server, path);
  const token = tokenFile === undefined ? null : readFileSync(tokenFile, 'utf8').trim();
  const response = await fetch(url, {
    headers: { accept: 'application/json', ...(token !== null && { authorization: `Bearer ${token}` }) },
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch((error: Error) => {
    throw new CliError(`${url.origin} does not answer: ${causeOf(error)}`, WHERE);
  });
  const text = await response.text();
  if (text.length > MOST_BYTES) throw new CliError(`${url.origin} answers with more than is taken`, null);
  if (!response.ok)
    throw new CliError(`${url.origin}: ${refusalIn(text, response.status)}`, remedyFor(response.status));
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new CliError(`${url.origin} does not answer in JSON`, WHERE);
  }
}

function urlOf(server: string | undefined, path: string): URL {
  if (server === undefined || !/^https?:\/\//.test(server) || !URL.canParse(server)) {
    throw new CliError(
      server === undefined ? 'it is not said which service to ask' : `--server ${server} is no http URL`,
      WHERE,
    );
  }
  return new URL(`${server.replace(/\/+$/, '')}${path}`);
}

const causeOf = ({ cause, message }: Error): string =>
  cause instanceof Error && cause.message ? cause.message : message;

function refusalIn(text: string, status: number): string {
  try {
    return problemSchema.parse(JSON.parse(text)).detail;
  } catch {
    return `status ${status}`;
  }
}

const remedyFor = (status: number): string | null =>
  status === 401 ? 'give a token that the cluster knows: --token-file FILE' : null;
