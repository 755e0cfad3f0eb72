import { once } from 'node:events';
import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';

/** What a stretch of load came to. Latencies in milliseconds, from the first byte sent to the last one received. */
export interface Load {
  requests: number;
  seconds: number;
  perSecond: number;
  p50: number;
  p99: number;
  /** Answers that are no 200, by status. */
  refused: number;
  /** The last answer's body. */
  last: string;
}

export interface LoadPlan {
  port: number;
  ca: string;
  /** Where reviews are sent; `/mutate` where left out. */
  path?: string;
  connections: number;
  seconds: number;
  /**
   * Requests a second over all connections, whatever the server takes; left out: each connection sends its next when the
   * last was answered. What had to wait for an answer before it counts from when it was due.
   */
  rate?: number;
  /** Stop after as many requests, even before the time is over. */
  most?: number;
  /** The body of the nth request. */
  body: (index: number) => Buffer;
}

const HEAD_END = Buffer.from('\r\n\r\n');

/**
 * Sends one request after the other over each of several connections, as the API server does. A client of its own that
 * does next to nothing else, so that the servers are measured and not the client.
 */
export async function load(plan: LoadPlan): Promise<Load> {
  const sockets = await Promise.all(Array.from({ length: plan.connections }, () => opened(plan)));
  const run = new Run(plan);
  const startMs = performance.now();
  const endMs = startMs + plan.seconds * 1000;
  await Promise.all(sockets.map((socket, place) => run.over(socket, endMs, run.pace(place, startMs))));
  const seconds = (performance.now() - startMs) / 1000;
  for (const socket of sockets) socket.destroy();
  return run.result(seconds);
}

async function opened({ port, ca }: LoadPlan): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, ca, servername: 'localhost' });
  await once(socket, 'secureConnect');
  socket.setNoDelay(true);
  return socket;
}

interface Pace {
  firstMs: number;
  everyMs: number;
}

class Run {
  readonly #latencies: number[] = [];
  #sent = 0;
  #refused = 0;
  #last = '';

  constructor(private readonly plan: LoadPlan) {}

  /** When each request of a connection is due; null: as soon as the one before is answered. */
  pace(place: number, startMs: number): Pace | null {
    const { rate, connections } = this.plan;
    return rate === undefined
      ? null
      : { firstMs: startMs + (place * 1000) / rate, everyMs: (connections * 1000) / rate };
  }

  /** Keeps one connection busy, or sends at its pace, until the time is over. */
  over(socket: TLSSocket, endMs: number, pace: Pace | null): Promise<void> {
    return new Promise((resolve, reject) => {
      let received: Buffer[] = [];
      let sentMs = 0;
      let turn = 0;
      const next = (): void => {
        const nowMs = performance.now();
        const dueMs = pace === null ? nowMs : pace.firstMs + pace.everyMs * turn++;
        if (dueMs > nowMs && dueMs < endMs) setTimeout(() => send(performance.now()), dueMs - nowMs);
        else send(dueMs);
      };
      const send = (fromMs: number): void => {
        if (performance.now() >= endMs || fromMs >= endMs || this.#sent >= (this.plan.most ?? Infinity)) {
          socket.removeAllListeners();
          resolve();
          return;
        }
        const body = this.plan.body(this.#sent++);
        sentMs = fromMs;
        socket.write(requestOf(body, this.plan.path ?? '/mutate'));
      };
      socket.on('data', (chunk: Buffer) => {
        received.push(chunk);
        const answer = received.length === 1 ? chunk : Buffer.concat(received);
        const end = endOf(answer);
        if (end === null || answer.length < end) return;
        this.#latencies.push(performance.now() - sentMs);
        this.#take(answer);
        received = [];
        next();
      });
      socket.on('error', reject).on('close', () => reject(new Error('the server closed a connection')));
      next();
    });
  }

  result(seconds: number): Load {
    const sorted = Float64Array.from(this.#latencies).sort();
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    const requests = sorted.length;
    const [p50, p99] = [at(0.5), at(0.99)];
    return { requests, seconds, perSecond: requests / seconds, p50, p99, refused: this.#refused, last: this.#last };
  }

  #take(answer: Buffer): void {
    if (answer.toString('latin1', 9, 12) !== '200') this.#refused += 1;
    this.#last = answer.toString('utf8', answer.indexOf(HEAD_END) + HEAD_END.length);
  }
}

function requestOf(body: Buffer, path: string): Buffer {
  const head =
    `POST ${path}?timeout=5s HTTP/1.1\r\nHost: plimsoll.gpu-tools.svc\r\nUser-Agent: kube-apiserver-admission\r\n` +
    `Content-Length: ${body.length}\r\nAccept: application/json, */*\r\nContent-Type: application/json\r\n\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), body]);
}

/** Where the answer ends; null: its head is not there yet. */
function endOf(answer: Buffer): number | null {
  const head = answer.indexOf(HEAD_END);
  if (head === -1) return null;
  const length = /content-length: *(\d+)/i.exec(answer.toString('latin1', 0, head))?.[1];
  if (length === undefined) throw new Error('an answer without its length');
  return head + HEAD_END.length + Number(length);
}
