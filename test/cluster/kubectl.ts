import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';

/** What kubectl said. `code` is its exit status. */
export interface KubectlResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** `stdin` is fed to `-f -`; past `timeoutMs` (60 s where absent) kubectl is killed. */
export interface KubectlOptions {
  stdin?: string;
  timeoutMs?: number;
}

/** Which kubectl, whom it talks to, and where it may keep what it found out about the API server. */
export interface KubectlTarget {
  program: string;
  kubeconfig: string;
  cacheDirectory: string;
}

/** Runs kubectl to its end, untouched by the person's own settings. Throws when it cannot be started or is too slow. */
export async function runKubectl(
  target: KubectlTarget,
  args: readonly string[],
  { stdin = '', timeoutMs = 60_000 }: KubectlOptions = {},
): Promise<KubectlResult> {
  const child = spawn(target.program, args, { env: environmentFor(target), timeout: timeoutMs, killSignal: 'SIGKILL' });
  child.stdin.on('error', () => undefined); // kubectl may end before it has read everything
  child.stdin.end(stdin);
  const [stdout, stderr, code] = await Promise.all([textOf(child.stdout), textOf(child.stderr), endOf(child)]);
  if (code === null) throw new Error(`kubectl ${args.join(' ')} did not end within ${timeoutMs / 1000} s\n${stderr}`);
  return { code, stdout, stderr };
}

/** A discovery cache of its own, as the next control plane may listen on the same port with other resources. */
function environmentFor({ kubeconfig, cacheDirectory }: KubectlTarget): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR } = process.env;
  return { PATH, HOME, TMPDIR, KUBECONFIG: kubeconfig, KUBECACHEDIR: cacheDirectory, KUBERC: 'off' };
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  stream.setEncoding('utf8');
  for await (const chunk of stream) text += String(chunk);
  return text;
}

function endOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
}
