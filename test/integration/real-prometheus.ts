import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const program = process.env['PLIMSOLL_PROMETHEUS'] ?? 'prometheus';

/** Whether there is a real Prometheus on this machine; says loudly where there is none. */
export function hasPrometheus(): boolean {
  const isThere = spawnSync(program, ['--version']).status === 0;
  if (!isThere) {
    console.warn('NOT RUN: a real Prometheus (no `prometheus` on the PATH; set PLIMSOLL_PROMETHEUS to its program)');
  }
  return isThere;
}

export interface RealPrometheus {
  url: string;
  stop(): Promise<void>;
}

/** A real Prometheus that scrapes targets (`host:port`) each second, and takes samples of the past where they give times. */
export async function startPrometheus(targets: readonly string[]): Promise<RealPrometheus> {
  const folder = await mkdtemp(join(tmpdir(), 'plimsoll-test-prometheus-'));
  const scrape_configs = [{ job_name: 'dcgm', scrape_interval: '1s', static_configs: [{ targets }] }];
  const storage = { tsdb: { out_of_order_time_window: '48h' } };
  await writeFile(join(folder, 'prometheus.yml'), JSON.stringify({ scrape_configs, storage }));
  const port = await freePort();
  const files = [`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`];
  const child = spawn(program, [...files, `--web.listen-address=127.0.0.1:${port}`], { stdio: 'ignore' });
  const ended = new Promise((done) => child.once('exit', done));
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      child.kill();
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const freePort = (): Promise<number> =>
  new Promise((done) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => done(port));
    });
  });
