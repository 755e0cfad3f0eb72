import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** The folder of a Go module such as `sigs.k8s.io/jobset@v0.12.0`, out of Go's module cache. Throws with what go said. */
export async function goModuleFolder(module: string): Promise<string> {
  const { stdout } = await execute('go', ['mod', 'download', '-json', module], {
    cwd: tmpdir(), // outside of any module, whose go.mod would have a say
    env: { ...process.env, GOFLAGS: '-mod=mod', GOWORK: 'off' },
    maxBuffer: 1 << 20,
  });
  const { Dir } = JSON.parse(stdout) as { Dir?: string };
  if (Dir === undefined) throw new Error(`go gave no folder for ${module}: ${stdout}`);
  return Dir;
}
