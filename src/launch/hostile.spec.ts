import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseAllDocuments } from 'yaml';
import { installedGrammars, job, readManifest } from '../../test/builders/launch.js';
import { valuesOf } from '../run/fields.js';
import { runValuesSchema } from '../run/training-run.js';
import { UnreadableManifest } from '../workload/workload.js';
import type { Json, JsonObject } from '../workload/workload.js';
import { parseDeclaration, runJsonSchema } from './declaration.js';
import type { Grammars } from './grammars.js';
import type { RunReading } from './reading.js';

let grammars: Grammars;
beforeAll(async () => {
  grammars = await installedGrammars();
});

/** Every run that is read keeps to the contract, whatever it was read from. */
function holds(readings: readonly RunReading[]): void {
  for (const { run } of readings)
    if (run) expect(runValuesSchema.safeParse(valuesOf(run)).error?.issues).toBeUndefined();
}

const FLAGS = [
  '--model_name_or_path',
  '--per_device_train_batch_size',
  '--bf16',
  '--fsdp',
  '--deepspeed',
  '--optim',
  '--lora_r',
  '--use_peft',
  '--lora_target_modules',
  '--max_seq_length',
  '--config',
  '-a',
  '-b',
  '--batch-size',
  '--num-layers',
  '--hidden-size',
  '--n_embd=',
  '--multiprocessing-distributed',
  '--weight_decay',
  '--lora_dropout',
  '--hidden_dropout',
  '--arch',
  '--img-size',
  '--precision',
  '--model',
  '--do_train',
  '--task_name',
];
const STARTS = [
  'python run_clm.py',
  'torchrun --nproc_per_node=2 run_glue.py',
  'trl sft',
  'accelerate launch --num_processes',
  'python main.py',
  'python train.py',
  'deepspeed train.py',
  'axolotl train',
  'llamafactory-cli train',
  'tune run full_finetune_distributed',
  'yolo train',
  'python pretrain_gpt.py',
  'mpirun -np',
  'python -m torch.distributed.run',
  'python x.py',
  'litgpt finetune',
];
const VALUES = [
  '4',
  '-1',
  '0',
  '1e9',
  '1e400',
  'NaN',
  '',
  'true',
  'gpt2',
  '{"a":1}',
  '{',
  '$X',
  '${X:-3}',
  '{{ .y }}',
  '--',
  '-',
  'a=b',
  'batch=-1',
  'None',
  'null',
  '0.5',
  '2',
  'auto',
  'full_shard offload',
  '999999999999999999999',
  'constructor',
  '__proto__',
  'toString',
];

describe('whatever stands in a manifest', () => {
  it('gives valid runs from any flags and values', () => {
    const word = fc.oneof(fc.constantFrom(...FLAGS), fc.constantFrom(...VALUES), fc.string({ maxLength: 12 }));
    fc.assert(
      fc.property(fc.constantFrom(...STARTS), fc.array(word, { maxLength: 14 }), fc.nat(9), (start, args, gpus) => {
        holds(readManifest(job({ command: start.split(' '), args, gpus, env: { X: args[0] ?? '' } }), grammars));
      }),
      { numRuns: 1500 },
    );
  });

  it('gives notes, never an error, for any declaration', () => {
    const yaml = fc.oneof(
      fc.string(),
      fc.json(),
      fc.constantFrom(
        'model: [',
        'a: &a [*a]',
        'model: {name: 3}',
        'parallelism: 3',
        'parallelism: {sharding: x}',
        'model:\n  config: {a: {b: {c: 1}}}\n  name: x',
      ),
    );
    fc.assert(
      fc.property(yaml, (text) => {
        expect(Array.isArray(parseDeclaration(text, { document: 'manifest', path: 'a' }).notes)).toBe(true);
        holds(readManifest(job({ command: ['python', 'x.py'], annotations: { 'plimsoll.dev/run': text } }), grammars));
      }),
      { numRuns: 500 },
    );
  });

  it('is done with a megabyte of script in bounded time', () => {
    const long = `${'X=$((X+1)); python run_clm.py --model_name_or_path gpt2\n'.repeat(4000)}`;
    const started = performance.now();
    readManifest(job({ command: ['bash', '-c', long] }), grammars);
    readManifest(job({ command: ['bash', '-c', 'a '.repeat(500_000)] }), grammars);
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});

describe('the published schema', () => {
  it('describes every field as optional', () => {
    const schema = runJsonSchema() as { properties: Record<string, unknown>; required?: string[] };
    expect(Object.keys(schema.properties)).toEqual([...Object.keys(runValuesSchema.shape), 'runs']);
    expect(schema.required ?? []).toEqual([]);
  });
});

const PUBLIC = '../shared/manifests/public';

describe('manifests of public repositories', () => {
  const files = existsSync(PUBLIC) ? readdirSync(PUBLIC).filter((name) => name.endsWith('.yaml')) : [];
  if (files.length === 0) {
    console.warn(`SKIPPED: ${PUBLIC} is not there, so that no public manifest was read`);
    it.skip('are not there', () => expect(files).toEqual([]));
    return;
  }

  const objects = (name: string): JsonObject[] =>
    parseAllDocuments(readFileSync(`${PUBLIC}/${name}`, 'utf8'))
      .map((document) => document.toJS({ maxAliasCount: 20 }) as Json)
      .filter((object): object is JsonObject => typeof object === 'object' && object !== null && 'kind' in object);

  const readAll = (object: JsonObject): RunReading[] => {
    try {
      return readManifest(object, grammars);
    } catch (error) {
      if (error instanceof UnreadableManifest || (error as Error).message === 'the manifest is no workload') return [];
      throw error;
    }
  };

  it.each(files)('%s gives valid runs or says what is unknown', (name) => {
    const readings = objects(name).flatMap(readAll);
    holds(readings);
    for (const { training, run, unknown, notes } of readings) {
      if (!training) expect(notes.length).toBeGreaterThan(0);
      else if (!run) expect(unknown.length).toBeGreaterThan(0);
    }
  });

  it.each(files)('%s can be mutilated without harm', (name) => {
    for (const object of objects(name)) {
      const text = JSON.stringify(object);
      fc.assert(
        fc.property(
          fc.nat(text.length),
          fc.nat(30),
          fc.constantFrom('', '$', '"', '}', '\\n', '8', '${', '{{'),
          (at, cut, put) => {
            const mutated = parsed(text.slice(0, at) + put + text.slice(at + cut));
            if (mutated) holds(readAll(mutated));
          },
        ),
        { numRuns: 25 },
      );
    }
  });
});

function parsed(text: string): JsonObject | null {
  try {
    const value = JSON.parse(text) as Json;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}
