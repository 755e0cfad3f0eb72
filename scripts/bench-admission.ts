/**
 * Holds the webhook, as it runs in production, against a bare HTTPS server of Node: both over TLS, each in a process of
 * its own, in turn in the same run.
 *   npm run bench:admission                     the whole table
 *   npm run bench:admission -- --seconds 10     longer stretches
 *   npm run bench:admission -- --reviews 1e6    only so many reviews, all different, watching memory
 *   npm run bench:admission -- --pepr FOLDER    only beside Pepr, installed in FOLDER by `npm install pepr`
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { load } from './bench/admission/load.js';
import type { Load } from './bench/admission/load.js';
import { coldReview, KINDS_OF_REVIEWS } from './bench/admission/reviews.js';
import { startEcho, startPepr, startWebhook } from './bench/admission/servers.js';
import type { Server } from './bench/admission/servers.js';

const CONNECTIONS = [1, 32, 200] as const;
const COLD = 300;

interface Measured extends Load {
  /** CPU time of the server's process for one request, in microseconds. */
  cpuMicros: number;
}

async function measured(server: Server, plan: Omit<Parameters<typeof load>[0], 'port' | 'ca'>): Promise<Measured> {
  const before = server.cpuMs();
  const result = await load({ ...plan, ...server });
  if (result.refused > 0) throw new Error(`${result.refused} of ${result.requests} refused: ${result.last}`);
  return { ...result, cpuMicros: ((server.cpuMs() - before) * 1000) / result.requests };
}

type Kind = keyof typeof KINDS_OF_REVIEWS;

interface Compared {
  kind: Kind;
  connections: number;
  echo: Measured;
  webhook: Measured;
}

async function compare(servers: { webhook: Server; echo: Server }, seconds: number): Promise<Compared[]> {
  const rows: Compared[] = [];
  for (const kind of Object.keys(KINDS_OF_REVIEWS) as Kind[]) {
    const body = KINDS_OF_REVIEWS[kind]();
    // Answers have to be known, and code compiled.
    await load({ ...servers.webhook, connections: 8, seconds: 60, most: 5000, body });
    await load({ ...servers.echo, connections: 8, seconds: 1, body });
    for (const connections of CONNECTIONS) {
      const plan = { connections, seconds, body };
      const echo = await measured(servers.echo, plan);
      const webhook = await measured(servers.webhook, plan);
      rows.push({ kind, connections, echo, webhook });
      print(rows.at(-1)!);
    }
  }
  return rows;
}

/** Reviews a second that the whole cluster would have to send: fixed, and far below what either server can take. */
const RATES = [1000, 3000] as const;

/** Over 200 connections, at a rate that does not follow the server: what waiting for others adds. */
async function atRates(servers: { webhook: Server; echo: Server }, seconds: number): Promise<void> {
  console.log('\n| reviews | a second | p50 ms, echo / webhook | p99 ms, echo / webhook | added p99 ms |');
  console.log('| --- | --- | --- | --- | --- |');
  for (const kind of Object.keys(KINDS_OF_REVIEWS) as Kind[]) {
    for (const rate of RATES) {
      const plan = { connections: 200, seconds, rate, body: KINDS_OF_REVIEWS[kind]() };
      const echo = await measured(servers.echo, plan);
      const webhook = await measured(servers.webhook, plan);
      const both = (of: (each: Measured) => number): string => `${ms(of(echo))} / ${ms(of(webhook))}`;
      const cells = [kind, rate, both(({ p50 }) => p50), both(({ p99 }) => p99), ms(webhook.p99 - echo.p99)];
      console.log(`| ${cells.join(' | ')} |`);
    }
  }
}

const ms = (value: number): string => value.toFixed(value < 10 ? 2 : 1);

function print({ kind, connections, echo, webhook }: Compared): void {
  const ratio = webhook.perSecond / echo.perSecond;
  const cells = [
    kind,
    connections,
    Math.round(echo.perSecond),
    Math.round(webhook.perSecond),
    ratio.toFixed(2),
    ms(webhook.p50 - echo.p50),
    ms(webhook.p99 - echo.p99),
    `${echo.cpuMicros.toFixed(0)} / ${webhook.cpuMicros.toFixed(0)}`,
  ];
  console.log(`| ${cells.join(' | ')} |`);
}

/** The same reviews, answered by Pepr with fixed annotations and by Plimsoll with what it knows. */
async function besidePepr(webhook: Server, folder: string, seconds: number): Promise<void> {
  const pepr = await startPepr(webhook, folder);
  console.log('| reviews | connections | Pepr/s | Plimsoll/s | ratio | p99 ms | CPU µs | resident MiB |');
  console.log('| --- | --- | --- | --- | --- | --- | --- | --- |');
  for (const kind of Object.keys(KINDS_OF_REVIEWS) as Kind[]) {
    const body = KINDS_OF_REVIEWS[kind]();
    for (const server of [webhook, pepr]) await load({ ...server, connections: 8, seconds: 60, most: 3000, body });
    for (const connections of CONNECTIONS) {
      const theirs = await measured(pepr, { connections, seconds, body });
      if (!theirs.last.includes('"patch"')) throw new Error(`Pepr changes nothing: ${theirs.last}`);
      const ours = await measured(webhook, { connections, seconds, body });
      const both = (of: (each: Measured) => string): string => `${of(theirs)} / ${of(ours)}`;
      const cells = [
        ...[kind, connections, Math.round(theirs.perSecond), Math.round(ours.perSecond)],
        (ours.perSecond / theirs.perSecond).toFixed(1),
        both(({ p99 }) => ms(p99)),
        both(({ cpuMicros }) => cpuMicros.toFixed(0)),
        `${pepr.residentMib().toFixed(0)} / ${webhook.residentMib().toFixed(0)}`,
      ];
      console.log(`| ${cells.join(' | ')} |`);
    }
  }
  await pepr.stop();
}

/** Trainings that were never seen, asked about by many at a time: what is not assessed in time is admitted and said. */
async function cold(webhook: Server): Promise<void> {
  for (const connections of CONNECTIONS) {
    const before = await outcomes(webhook);
    const offset = connections * 100_000;
    const plan = { connections, seconds: 60, most: COLD, body: (index: number) => coldReview(offset + index) };
    const { perSecond, p50, p99 } = await measured(webhook, plan);
    const after = await outcomes(webhook);
    const told = Object.keys(after)
      .map((name) => [name, (after[name] ?? 0) - (before[name] ?? 0)] as const)
      .filter(([, count]) => count > 0);
    const counts = told.map(([name, count]) => `${count} ${name}`).join(', ');
    console.log(`| cold | ${connections} | ${perSecond.toFixed(0)} | ${ms(p50)} | ${ms(p99)} | ${counts} |`);
  }
}

async function outcomes(webhook: Server): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  const line = /^plimsoll_admission_reviews_total\{webhook="mutate",outcome="(\w+)".*\} (\d+)$/gm;
  for (const [, outcome, count] of (await webhook.metrics()).matchAll(line)) {
    found[outcome!] = (found[outcome!] ?? 0) + Number(count);
  }
  return found;
}

/** Memory over many reviews, all different, looked at twenty times. */
async function memory(webhook: Server, reviews: number): Promise<void> {
  const body = KINDS_OF_REVIEWS['all different']();
  console.log('| reviews | resident MiB | a second | p99 ms |\n| --- | --- | --- | --- |');
  console.log(`| 0 | ${webhook.residentMib().toFixed(0)} | | |`);
  for (let part = 1; part <= 20; part++) {
    const { perSecond, p99 } = await measured(webhook, { connections: 32, seconds: 3600, most: reviews / 20, body });
    const done = Math.round((reviews / 20) * part);
    console.log(`| ${done} | ${webhook.residentMib().toFixed(0)} | ${perSecond.toFixed(0)} | ${ms(p99)} |`);
  }
}

async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ options: { seconds: text, reviews: text, pepr: text } });
  const webhook = await startWebhook();
  const idle = webhook.residentMib();
  const body = KINDS_OF_REVIEWS.repeated();
  const { last } = await load({ ...webhook, connections: 1, seconds: 60, most: 40, body });
  if (!last.includes('"allowed":true') || !last.includes('"patch"')) throw new Error(`not assessed: ${last}`);
  if (values.reviews !== undefined) {
    await memory(webhook, Number(values.reviews));
    await webhook.stop();
    return;
  }
  if (values.pepr !== undefined) {
    await besidePepr(webhook, resolve(values.pepr), Number(values.seconds ?? 3));
    await webhook.stop();
    return;
  }
  const echo = await startEcho(webhook, Buffer.byteLength(last));
  console.log(`reviews of ${body(0).length} bytes, answers of ${Buffer.byteLength(last)} bytes\n`);
  console.log(
    '| reviews | connections | echo/s | webhook/s | ratio | added p50 ms | added p99 ms | CPU µs echo / webhook |',
  );
  console.log('| --- | --- | --- | --- | --- | --- | --- | --- |');
  const seconds = Number(values.seconds ?? 3);
  await compare({ webhook, echo }, seconds);
  await atRates({ webhook, echo }, seconds);
  await echo.stop();
  console.log(
    '\n| reviews | connections | a second | p50 ms | p99 ms | outcomes |\n| --- | --- | --- | --- | --- | --- |',
  );
  await cold(webhook);
  console.log(`\nresident MiB: ${idle.toFixed(0)} idle, ${webhook.residentMib().toFixed(0)} after all of this`);
  await webhook.stop();
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? (error.stack ?? error.message) : error);
  process.exitCode = 1;
});
