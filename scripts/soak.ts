/**
 * Keeps the service under load for a while, and looks whether memory, handles and latency stay where they were after it
 * had warmed up.
 *   npm run soak                      two minutes
 *   npm run soak -- --minutes 600     a night
 */
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { parseArgs } from 'node:util';
import { load } from './bench/admission/load.js';
import { KINDS_OF_REVIEWS } from './bench/admission/reviews.js';
import { startWebhook } from './bench/admission/servers.js';
import type { Server } from './bench/admission/servers.js';

const ROUNDS = 12;
/** Rounds that are left out: code is compiled and memories fill up. */
const WARM_UP = 4;
/** Growth from the first to the last third of the rounds that is still called steady. */
const MOST_GROWTH = 1.25;

interface Round {
  residentMib: number;
  handles: number;
  p99: number;
  reviews: number;
}

async function round(server: Server, seconds: number): Promise<Round> {
  const plan = { ...server, connections: 32, seconds: seconds / 2 };
  const repeated = await load({ ...plan, body: KINDS_OF_REVIEWS.repeated() });
  const stuck = await hungUp(server.port, 50);
  const different = await load({ ...plan, body: KINDS_OF_REVIEWS['all different']() });
  for (const socket of stuck) socket.destroy();
  if (repeated.refused + different.refused > 0) throw new Error('reviews were refused');
  return {
    residentMib: server.residentMib(),
    handles: readdirSync(`/proc/${server.pid}/fd`).length,
    p99: Math.max(repeated.p99, different.p99),
    reviews: repeated.requests + different.requests,
  };
}

/** Clients that connect and say nothing. */
function hungUp(port: number, count: number): Promise<Socket[]> {
  const opened = (): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve(socket));
      socket.on('error', reject);
    });
  return Promise.all(Array.from({ length: count }, opened));
}

const mean = (numbers: readonly number[]): number => numbers.reduce((sum, each) => sum + each, 0) / numbers.length;

function growth(rounds: readonly Round[], what: 'residentMib' | 'handles'): number {
  const third = Math.floor(rounds.length / 3) || 1;
  const of = (part: readonly Round[]): number => mean(part.map((each) => each[what]));
  return of(rounds.slice(-third)) / of(rounds.slice(0, third));
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { minutes: { type: 'string', default: '2' } } });
  const seconds = (Number(values.minutes) * 60) / ROUNDS;
  const server = await startWebhook();
  const rounds: Round[] = [];
  for (let index = 0; index < ROUNDS; index++) {
    const seen = await round(server, seconds);
    rounds.push(seen);
    const { residentMib, handles, p99, reviews } = seen;
    console.log(
      `${index + 1}: ${residentMib.toFixed(0)} MiB, ${handles} handles, p99 ${p99.toFixed(1)} ms, ${reviews} reviews`,
    );
  }
  await server.stop();
  const steady = rounds.slice(WARM_UP);
  const grown = (['residentMib', 'handles'] as const).filter((what) => growth(steady, what) > MOST_GROWTH);
  const factors = `memory x ${growth(steady, 'residentMib').toFixed(2)}, handles x ${growth(steady, 'handles').toFixed(2)}`;
  console.log(grown.length === 0 ? `steady: ${factors}` : `NOT STEADY: ${factors}`);
  process.exitCode = grown.length === 0 ? 0 : 1;
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? (error.stack ?? error.message) : error);
  process.exitCode = 1;
});
