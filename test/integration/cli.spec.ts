import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

/**
 * The real command line, as a person runs it, on the example manifests against the example cluster. The answers are
 * kept as text in goldens/ for reviewing; UPDATE_GOLDENS=1 writes them anew.
 */
const ROOT = join(import.meta.dirname, '..', '..');
const GOLDENS = join(import.meta.dirname, 'goldens');
const MANIFESTS = 'examples/manifests';
const CLUSTER = ['--inventory', 'examples/cluster'];

interface Run {
  status: number | null;
  stdout: string;
  stderr: string;
}

function plimsoll(args: readonly string[], input = ''): Run {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['bin/plimsoll.mjs', ...args], {
    cwd: ROOT,
    input,
    encoding: 'utf8',
    maxBuffer: 64 * 2 ** 20,
  });
  const said = stderr.split('\n').filter((line) => !line.includes('sources are newer than the build'));
  return { status, stdout, stderr: said.join('\n') };
}

function golden(name: string, text: string): string {
  const path = join(GOLDENS, `${name}.txt`);
  if (process.env.UPDATE_GOLDENS === '1' || !existsSync(path)) {
    if (process.env.UPDATE_GOLDENS !== '1') throw new Error(`${path} does not exist: run with UPDATE_GOLDENS=1`);
    mkdirSync(GOLDENS, { recursive: true });
    writeFileSync(path, text);
  }
  return readFileSync(path, 'utf8');
}

const example = (name: string): string => `${MANIFESTS}/${name}.yaml`;

describe('plimsoll advise on the examples', () => {
  it('gives a verdict for each, and between them all six', () => {
    const { status, stdout, stderr } = plimsoll(['advise', '-f', MANIFESTS, ...CLUSTER, '-o', 'json']);
    expect(stderr).toBe('');
    expect(status).toBe(3);
    const assessments = JSON.parse(stdout) as { verdict: string }[];
    expect(assessments).toHaveLength(
      readdirSync(join(ROOT, MANIFESTS)).filter((name) => name.endsWith('.yaml')).length,
    );
    expect([...new Set(assessments.map(({ verdict }) => verdict))].sort()).toEqual(
      ['fits', 'fits-some', 'tight', 'unknown', 'unschedulable', 'will-not-fit'].sort(),
    );
  }, 300_000);

  it('prints a table of verdicts and the advice under it', () => {
    const { stdout } = plimsoll(['advise', '-f', MANIFESTS, ...CLUSTER]);
    expect(stdout).toBe(golden('advise-examples', stdout));
  }, 300_000);

  it.each(['llama3-8b-one-gpu', 'qwen2.5-7b-accelerate', 'roberta-glue', 'unknown-model'])(
    'prints %s in full',
    (name) => {
      const { stdout } = plimsoll(['advise', '-f', example(name), ...CLUSTER]);
      expect(stdout).toBe(golden(`advise-${name}`, stdout));
    },
    120_000,
  );
});

describe('plimsoll explain', () => {
  it('shows settings with evidence, the peak, and memory over the iterations', () => {
    const { status, stdout } = plimsoll(['explain', '-f', example('bert-mlm'), ...CLUSTER]);
    expect(status).toBe(0);
    expect(stdout).toBe(golden('explain-bert-mlm', stdout));
  }, 120_000);
});

describe('plimsoll estimate', () => {
  it('needs no manifest', () => {
    const { status, stdout } = plimsoll([
      ...['estimate', '--model', 'gpt2', '--micro-batch', '4', '--sequence-length', '512'],
      ...['--precision', 'amp-fp16', '--gpu', 't4'],
    ]);
    expect(status).toBe(0);
    expect(stdout).toBe(golden('estimate-gpt2', stdout));
  }, 120_000);

  it('ends with 3 where the run will not fit', () => {
    const run = ['--model', 'meta-llama/Llama-3.1-8B', '--micro-batch', '1', '--sequence-length', '1024'];
    expect(plimsoll(['estimate', ...run, '--gpu', 't4']).status).toBe(3);
  }, 120_000);
});

describe('what is given on the command line', () => {
  it('standard input, with the ConfigMap in the same stream', () => {
    const manifest = readFileSync(join(ROOT, example('qwen2.5-7b-accelerate')), 'utf8');
    const { stdout } = plimsoll(['advise', '-f', '-', '--gpu', 'a100-80gb:8', '-o', 'json'], manifest);
    const { runs } = JSON.parse(stdout) as { runs: { settings: Record<string, Record<string, unknown>> }[] };
    expect(runs[0]?.settings.parallelism?.sharding).toMatchObject({
      value: 'fsdp-full',
      evidence: { kind: 'read', place: { document: 'configmap/qwen-accelerate/fsdp.yaml' } },
    });
  }, 120_000);

  it('yaml and json hold the same answer', () => {
    const args = ['advise', '-f', example('unknown-model'), '--gpu', 'l4:4', '-o'];
    const [json, yaml] = [plimsoll([...args, 'json']).stdout, plimsoll([...args, 'yaml']).stdout];
    const { id } = JSON.parse(json) as { id: string };
    expect(yaml).toContain(`id: ${id}`);
  }, 120_000);

  it.each([
    [['advise', '-f', 'no/such/file.yaml', '--gpu', 't4'], 'no/such/file.yaml does not exist'],
    [['advise', '-f', example('bert-mlm')], 'it is not said which GPUs there are'],
    [['advise', '-f', example('bert-mlm'), '--gpu', 'voodoo2'], 'no GPU is known by the name voodoo2'],
    [['advise', '-f', example('bert-mlm'), '--gpu', 't4', '-o', 'xml'], '-o xml is not known'],
    [['advise', '-f', 'examples/cluster/nodes.json', '--gpu', 't4'], 'no workload that asks for GPUs'],
    [['advise'], "required option '-f, --filename <path>' not specified"],
    [['frobnicate'], "unknown command 'frobnicate'"],
  ])(
    '%j ends with 1 and says what is wrong',
    (args, words) => {
      const { status, stdout, stderr } = plimsoll(args);
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
      expect(stderr).toContain(words);
    },
    120_000,
  );

  it('a file that is no YAML does not hide the others', () => {
    const good = readFileSync(join(ROOT, example('unknown-model')), 'utf8');
    const { status, stdout, stderr } = plimsoll(['advise', '-f', '-', '--gpu', 'l4:4'], `${good}\n---\n{ not: [yaml\n`);
    expect(status).toBe(1);
    expect(stdout).toContain('Job biology/protein-lm: unknown');
    expect(stderr).toContain('not read: standard input');
  }, 120_000);

  it('help names every command and shows examples', () => {
    const { status, stdout } = plimsoll(['--help']);
    expect(status).toBe(0);
    for (const command of ['advise', 'explain', 'estimate', 'serve']) {
      expect(stdout).toContain(command);
      expect(plimsoll([command, '--help']).stdout).toContain('Examples:');
    }
  }, 120_000);
});
