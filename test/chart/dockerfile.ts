import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** One instruction, with the text after its name. */
export interface Instruction {
  name: string;
  text: string;
}

/** What is left of a stage once its instructions were carried out: its working folder, and what is to be run in it. */
export interface BuiltStage {
  folder: string;
  environment: Record<string, string>;
  healthcheck: string[];
  command: string[];
  user: string;
}

/** Instructions of a Dockerfile; lines that end in a backslash are joined, comments left out. */
export function instructionsIn(text: string): Instruction[] {
  const lines = text.split('\n').filter((line) => !line.startsWith('#'));
  const joined = lines.join('\n').replace(/\\\n/g, ' ');
  return joined
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [name = '', ...rest] = line.trim().split(/\s+/);
      return { name, text: rest.join(' ') };
    });
}

/** Whether the builder gets this file of the context; the last line of .dockerignore that matches decides. */
export function isSent(path: string, ignoreLines: readonly string[]): boolean {
  let sent = true;
  for (const line of ignoreLines) {
    const pattern = line.replace(/^!/, '');
    if (matches(path, pattern)) sent = line.startsWith('!');
  }
  return sent;
}

function matches(path: string, pattern: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*\*\//g, '\u0000')
    .replace(/\*/g, '[^/]*')
    .replace(/\u0000/g, '(?:.*/)?');
  return new RegExp(`^${source}(?:/.*)?$`).test(path);
}

/**
 * Carries out a Dockerfile's instructions in folders below `target`, one per stage, and returns the last stage. Every
 * instruction has the working folder of its stage for a root; base images are taken to be this machine.
 * Throws where a command fails, a file to copy is not sent, or an instruction is not known here.
 */
export async function carryOut(context: string, target: string): Promise<BuiltStage> {
  const ignore = (await readFile(join(context, '.dockerignore'), 'utf8'))
    .split('\n')
    .filter((line) => /^[^#]/.test(line));
  const building: Building = { context, target, ignore, workdir: '/', stages: new Map(), stage: null };
  for (const instruction of instructionsIn(await readFile(join(context, 'Dockerfile'), 'utf8'))) {
    const handler = HANDLERS[instruction.name];
    if (handler === undefined) throw new Error(`${instruction.name} is not known here`);
    await handler(building, instruction.text);
  }
  return stageOf(building);
}

interface Building {
  context: string;
  target: string;
  ignore: readonly string[];
  workdir: string;
  stages: Map<string, BuiltStage>;
  stage: BuiltStage | null;
}

type Handler = (building: Building, text: string) => void | Promise<void>;

const HANDLERS: Readonly<Record<string, Handler>> = {
  ARG: () => undefined,
  EXPOSE: () => undefined,
  FROM: begin,
  WORKDIR: (building, text) => void (building.workdir = text),
  COPY: copy,
  RUN: async (building, text) => {
    const { folder, environment } = stageOf(building);
    await run('sh', ['-euc', text], { cwd: folder, env: bare(environment), maxBuffer: 64 * 1024 * 1024 });
  },
  ENV: (building, text) => {
    const [name = '', value = ''] = text.split('=', 2);
    stageOf(building).environment[name] = value;
  },
  USER: (building, text) => void (stageOf(building).user = text),
  HEALTHCHECK: (building, text) => void (stageOf(building).healthcheck = words(text.replace(/^.*?CMD /, ''))),
  CMD: (building, text) => void (stageOf(building).command = words(text)),
};

async function begin(building: Building, text: string): Promise<void> {
  const name = /\sAS\s+(\S+)$/.exec(text)?.[1] ?? 'last';
  const folder = join(building.target, name);
  await mkdir(folder);
  building.stage = { folder, environment: {}, healthcheck: [], command: [], user: '' };
  building.stages.set(name, building.stage);
}

/** The environment of a build: nothing of this process but where programs are and what npm needs to reach its registry. */
function bare(environment: Record<string, string>): Record<string, string> {
  const kept = Object.entries(process.env).filter(([name]) =>
    /^(PATH|HOME|TMPDIR|npm_config_.*|https?_proxy|no_proxy|NODE_EXTRA_CA_CERTS)$/i.test(name),
  );
  return { ...(Object.fromEntries(kept) as Record<string, string>), ...environment };
}

async function copy(building: Building, text: string): Promise<void> {
  const [first = '', ...rest] = text.split(' ');
  const from = /^--from=(.+)$/.exec(first)?.[1];
  const paths = from === undefined ? [first, ...rest] : rest;
  const to = paths.pop()!;
  const intoFolder = to.endsWith('/') || paths.length > 1;
  for (const path of paths) {
    const destination = join(stageOf(building).folder, intoFolder ? join(to, basename(path)) : to);
    await mkdir(dirname(destination), { recursive: true });
    if (from === undefined) await copySent(building, path, destination);
    else
      await run('cp', ['-a', join(building.stages.get(from)!.folder, relative(building.workdir, path)), destination]);
  }
}

async function copySent({ context, ignore }: Building, path: string, destination: string): Promise<void> {
  const files = await filesAt(context, path);
  const sent = files.filter((file) => isSent(file, ignore));
  if (sent.length === 0) throw new Error(`COPY ${path}: nothing of it is sent to the builder`);
  for (const file of sent) {
    const place = join(destination, relative(path, file));
    await mkdir(dirname(place), { recursive: true });
    await cp(join(context, file), place);
  }
}

async function filesAt(context: string, path: string): Promise<string[]> {
  if ((await stat(join(context, path))).isFile()) return [path];
  const entries = await readdir(join(context, path), { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(context, join(entry.parentPath, entry.name)));
}

function stageOf({ stage }: Building): BuiltStage {
  if (stage === null) throw new Error('a Dockerfile begins with FROM');
  return stage;
}

const words = (text: string): string[] => JSON.parse(text) as string[];
