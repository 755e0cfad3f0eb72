import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { builtDirectory, programs } from './assets.mjs';

const script = fileURLToPath(new URL('./build.mjs', import.meta.url));
const architecture = process.arch === 'x64' ? 'amd64' : process.arch;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plimsoll-build-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('building the control plane where Go is missing', () => {
  it('ends with status 69 and one line that says what is not run, why, and how to get it', () => {
    const { status, stdout, stderr } = build({});
    expect({ status, stdout }).toEqual({ status: 69, stdout: '' });
    expect(stderr).toMatch(/^END-TO-END TESTS WILL NOT BE RUN: Go is missing.*Install Go.*KUBEBUILDER_ASSETS.*\n$/);
  });

  it('takes the programs of KUBEBUILDER_ASSETS', async () => {
    await writePrograms('given', programs);
    const given = join(folder, 'given');
    expect(build({ KUBEBUILDER_ASSETS: given })).toMatchObject({
      status: 0,
      stdout: `control plane: found in ${given}\n`,
    });
  });

  it('names the programs that KUBEBUILDER_ASSETS lacks', async () => {
    await writePrograms('given', ['etcd', 'kube-apiserver', 'kubectl']);
    const { status, stdout } = build({ KUBEBUILDER_ASSETS: join(folder, 'given') });
    expect(status).toBe(69);
    expect(stdout).toContain('lacks kube-controller-manager, kube-scheduler, helm, kwok; it is not used');
  });

  it('uses what another machine of this kind has built from the same sources', async () => {
    const built = basename(builtDirectory({ version: 'go1.26.0', os: process.platform, arch: architecture }));
    await writePrograms(built, programs);
    expect(build({})).toMatchObject({ status: 0, stdout: `control plane: found in ${join(folder, built)}\n` });
  });

  it('leaves alone what was built from other sources', async () => {
    await writePrograms(`control-plane-000000000000-go1.26.0-${process.platform}-${architecture}`, programs);
    expect(build({}).status).toBe(69);
  });
});

/** Runs the script with an empty PATH and a cache of its own. */
function build(environment: Record<string, string>): { status: number | null; stdout: string; stderr: string } {
  const env = { PATH: '/nowhere', PLIMSOLL_CACHE_DIR: folder, ...environment };
  return spawnSync(process.execPath, [script], { env, encoding: 'utf8' });
}

async function writePrograms(name: string, names: readonly string[]): Promise<void> {
  await mkdir(join(folder, name));
  for (const program of names) {
    await writeFile(join(folder, name, program), '');
    await chmod(join(folder, name, program), 0o755);
  }
}
