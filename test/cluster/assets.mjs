/** Where the programs of the control plane are: a folder given by KUBEBUILDER_ASSETS, or the one that build.mjs made. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The Go module that the programs are built from. */
export const moduleDirectory = fileURLToPath(new URL('./control-plane/', import.meta.url));

/** File names of the programs, as KUBEBUILDER_ASSETS has them. */
export const programs = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubectl',
  'helm',
  'kwok',
];

/** The folder that outlives runs: PLIMSOLL_CACHE_DIR, else the user's cache folder. */
export function cacheDirectory(environment = process.env) {
  if (environment.PLIMSOLL_CACHE_DIR) return environment.PLIMSOLL_CACHE_DIR;
  if (environment.XDG_CACHE_HOME) return join(environment.XDG_CACHE_HOME, 'plimsoll');
  return join(homedir(), '.cache', 'plimsoll');
}

/** The installed Go as {version, os, arch}, or undefined where there is none. */
export function installedGo() {
  try {
    const answer = execFileSync('go', ['env', 'GOVERSION', 'GOHOSTOS', 'GOHOSTARCH'], {
      cwd: tmpdir(), // outside the module, where Go would fetch a newer toolchain first if the module asks for one
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [version, os, arch] = answer.split('\n');
    return { version, os, arch };
  } catch {
    return undefined;
  }
}

/** The folder for what this Go makes of the module as it is now, whether built yet or not. */
export function builtDirectory(go) {
  return join(cacheDirectory(), `${builtPrefix()}${go.version}-${go.os}-${go.arch}`);
}

/** Which of the `needed` programs `directory` lacks. */
export function missingPrograms(directory, needed = programs) {
  return needed.filter((name) => !isExecutable(join(directory, name)));
}

/** A folder that holds all the `needed` programs, or undefined: KUBEBUILDER_ASSETS first, then what was built. */
export function findAssets(needed = programs) {
  const candidates = [process.env.KUBEBUILDER_ASSETS, ...builtDirectories()];
  return candidates.find((directory) => directory && missingPrograms(directory, needed).length === 0);
}

/** Without Go a build of the same sources by any Go will do: a cache may be carried to a machine that has none. */
function builtDirectories() {
  const go = installedGo();
  if (go) return [builtDirectory(go)];
  if (!existsSync(cacheDirectory())) return [];
  const arch = { x64: 'amd64' }[process.arch] ?? process.arch;
  return readdirSync(cacheDirectory())
    .filter((name) => name.startsWith(builtPrefix()) && name.endsWith(`-${process.platform}-${arch}`))
    .map((name) => join(cacheDirectory(), name));
}

function builtPrefix() {
  return `control-plane-${sourceHash()}-`;
}

/** compile.mjs counts as a source, as it holds the compiler's flags. */
function sourceHash() {
  const sources = readdirSync(moduleDirectory).filter((name) => /^go\.(mod|sum)$|\.go$/.test(name));
  const files = sources.sort().map((name) => join(moduleDirectory, name));
  const hash = createHash('sha256');
  for (const file of [...files, fileURLToPath(new URL('./compile.mjs', import.meta.url))])
    hash.update(readFileSync(file));
  return hash.digest('hex').slice(0, 12);
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
