/** Compiles the control-plane module into a folder with one name per program, telling how far it is. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { moduleDirectory, programs } from './assets.mjs';

const progressEveryMs = 10_000;
const keptLines = 15;
const environment = { ...process.env, CGO_ENABLED: '0', GOWORK: 'off', GOOS: '', GOARCH: '' };

/**
 * Builds every program into `directory`, which appears complete or not at all.
 * `say` gets one line of text at a time. Throws with the last lines of the compiler.
 */
export async function compile(directory, say) {
  mkdirSync(dirname(directory), { recursive: true });
  const unfinished = mkdtempSync(join(dirname(directory), `.${basename(directory)}-`));
  const discard = () => rmSync(unfinished, { recursive: true, force: true });
  process.once('exit', discard);
  await build(join(unfinished, 'control-plane'), say);
  for (const name of programs) symlinkSync('control-plane', join(unfinished, name));
  chmodSync(unfinished, 0o755);
  moveIntoPlace(unfinished, directory);
}

async function build(file, say) {
  const packages = await go(['list', '-deps', '.'], (_, elapsed) => say(`fetching Go modules, ${elapsed}`));
  const total = packages.stdout.length;
  const version = (await go(['list', '-m', '-f', '{{.Version}}', 'k8s.io/kubernetes'])).stdout[0];
  const flags = ['-v', '-trimpath', '-buildvcs=false', '-ldflags', linkerFlags(version), '-o', file];
  await go(['build', ...flags, '.'], (done, elapsed) =>
    say(`compiling Kubernetes ${version}: ${done} of at most ${total} packages, ${elapsed}`),
  );
}

/** Without a version stamped in, the API server reports one that kubectl cannot parse. */
function linkerFlags(version) {
  const [major, minor] = version.slice(1).split('.');
  const stamps = { gitVersion: version, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' };
  const assignments = Object.entries(stamps).map(
    ([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`,
  );
  return ['-s', '-w', ...assignments].join(' ');
}

/** Another build may have put the same folder there in the meantime: then that one stays. */
function moveIntoPlace(unfinished, directory) {
  try {
    renameSync(unfinished, directory);
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes(error.code)) throw error;
  }
}

/** Runs go; `progress` gets the count of packages that go has named so far and the time that went by. */
async function go(args, progress = () => {}) {
  const start = Date.now();
  const child = spawn('go', args, { cwd: moduleDirectory, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  const stop = () => child.kill();
  process.once('exit', stop);
  const stdout = [];
  const messages = [];
  let named = 0;
  createInterface(child.stdout).on('line', (line) => stdout.push(line));
  createInterface(child.stderr).on('line', (line) => (line.includes(' ') ? messages.push(line) : named++));
  const timer = setInterval(() => progress(named, elapsedSince(start)), progressEveryMs);
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
  clearInterval(timer);
  process.off('exit', stop);
  if (code === 0) return { stdout };
  throw new Error([`go ${args[0]} ended with status ${code}:`, ...messages.slice(-keptLines)].join('\n'));
}

function elapsedSince(start) {
  const seconds = Math.round((Date.now() - start) / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
