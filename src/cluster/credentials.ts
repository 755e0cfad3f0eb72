import { readFileSync } from 'node:fs';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { AgentOptions, RequestOptions } from 'node:https';
import { join } from 'node:path';

/** Where the API server is, and who asks it. */
export interface Credentials {
  /** Such as `https://10.0.0.1:443`, without a slash at its end. */
  readonly server: string;
  /** What goes with a request: certificates and headers. Asked for anew each time, as tokens change. */
  forRequest(): Promise<RequestOptions>;
}

/** A connection that nobody uses for so long is closed by us, before the API server does it under a request. */
const IDLE_MS = 30_000;
/** As client-go has it: the kubelet replaces tokens of service accounts well before they end. */
const TOKEN_KEPT_MS = 60_000;

/** Connections that are used again, as is right for the server's scheme. */
export function agentFor(server: string, tls: AgentOptions): HttpAgent {
  const options = { keepAlive: true, timeout: IDLE_MS };
  return server.startsWith('http:') ? new HttpAgent(options) : new HttpsAgent({ ...options, ...tls });
}

/** A token in a file that somebody else replaces: read again once it has been kept for a minute. */
export class TokenFile {
  #token = '';
  #readAtMs = -Infinity;

  constructor(
    private readonly path: string,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  /** The token as it is now. Throws where the file cannot be read. */
  current(): string {
    const nowMs = this.nowMs();
    if (nowMs - this.#readAtMs < TOKEN_KEPT_MS) return this.#token;
    this.#token = readFileSync(this.path, 'utf8').trim();
    this.#readAtMs = nowMs;
    return this.#token;
  }
}

/** The service account of the pod that this runs in, mounted in `folder`; the API server as the kubelet names it. */
export function podCredentials(folder: string, env: NodeJS.ProcessEnv): Credentials {
  const { KUBERNETES_SERVICE_HOST: host = '', KUBERNETES_SERVICE_PORT: port = '443' } = env;
  const server = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const agent = agentFor(server, { ca: readFileSync(join(folder, 'ca.crt')) });
  const token = new TokenFile(join(folder, 'token'));
  return {
    server,
    forRequest: () => Promise.resolve({ agent, headers: { authorization: `Bearer ${token.current()}` } }),
  };
}
