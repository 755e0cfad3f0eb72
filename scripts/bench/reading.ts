import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import { loadGrammars } from '../../src/advisor/load-grammars.js';
import type { JsonObject } from '../../src/workload/workload.js';
import type { Benchmark, Finding } from './benchmark.js';
import { finding, shown } from './benchmark.js';
import { inTurn } from './measure.js';
import { jobOf, read } from './trainings.js';

const EXAMPLES = new URL('../../examples/manifests/', import.meta.url);
/** Manifests that others publish, where they lie beside the project. */
const PUBLISHED = new URL('../../../shared/manifests/public/', import.meta.url);
const TYPICAL = 'llama3-8b-lora.yaml';
const MEBIBYTE = 1024 ** 2;
const BUDGET_MS = 800;

/** Manifest to training runs (workload and launch), against parsing the same manifest as JSON. */
export const reading: Benchmark = {
  name: 'reading',
  about: 'manifest to training runs, against JSON.parse of the same manifest',
  async run(): Promise<readonly Finding[]> {
    const grammars = await loadGrammars();
    const [typical, manifest] = largestOf([TYPICAL]);
    const [largest, largestManifest] = largestOf(readdirSync(EXAMPLES));
    const published = existsSync(PUBLISHED) ? [largestOf(readdirSync(PUBLISHED), PUBLISHED)] : [];
    const subjects: [string, JsonObject][] = [
      [`typical (${typical})`, manifest],
      [`largest example (${largest})`, largestManifest],
      ...published.map(([name, object]): [string, JsonObject] => [`largest published (${name})`, object]),
      [`generated, 1 MiB in ${JOBS} jobs`, manyJobs()],
      ['generated, 200 KiB in one script', longScript()],
    ];
    return subjects.map(([what, object]) => {
      if (!what.startsWith('largest published') && !read(object, grammars).every(({ run }) => run?.model.value))
        throw new Error(`${what}: not read`);
      const text = JSON.stringify(object);
      const loops = text.length < MEBIBYTE / 2 ? 20 : 1;
      const times = inTurn(
        () => read(object, grammars),
        () => JSON.parse(text) as unknown,
        { budgetMs: BUDGET_MS, referenceLoops: loops },
      );
      const perSecond = text.length / MEBIBYTE / (times.subject.median / 1000);
      return finding(what, times, 'JSON.parse of it', `${text.length} bytes`, `${shown(perSecond)} MiB/s`);
    });
  },
};

/** The objects of an example that are workloads: those with a spec. */
function objects(file: string, folder: URL): readonly JsonObject[] {
  const documents = parseAllDocuments(readFileSync(new URL(file, folder), 'utf8'));
  return documents
    .map((document) => document.toJS() as JsonObject | null)
    .filter((object): object is JsonObject => object !== null && 'spec' in object);
}

const sizeOf = (object: JsonObject): number => JSON.stringify(object).length;

/** The largest workload among the files; throws where there is none. */
function largestOf(files: readonly string[], folder = EXAMPLES): [string, JsonObject] {
  const manifests = files.filter((file) => file.endsWith('.yaml'));
  const all = manifests.flatMap((file) =>
    objects(file, folder).map((object) => [file, object] as [string, JsonObject]),
  );
  const [largest] = all.toSorted(([, a], [, b]) => sizeOf(b) - sizeOf(a));
  if (largest === undefined) throw new Error(`no workload in ${files.join(', ')}`);
  return largest;
}

const COMMAND =
  'torchrun --nproc_per_node 8 run_clm.py --model_name_or_path gpt2 --per_device_train_batch_size 4 --do_train --output_dir /out';

const JOBS = 500;

/** A JobSet of many jobs, each with a script of its own. */
function manyJobs(): JsonObject {
  const script = EXPORT.repeat(Math.floor((MEBIBYTE / JOBS - 500) / (EXPORT.length + 1))) + COMMAND;
  const template = (jobOf(script, 8)['spec'] as JsonObject)['template'] as JsonObject;
  const replicatedJobs = Array.from({ length: JOBS }, (_, index) => ({
    name: `job-${index}`,
    replicas: 1,
    template: { spec: { template } },
  }));
  return {
    apiVersion: 'jobset.x-k8s.io/v1alpha2',
    kind: 'JobSet',
    metadata: { name: 'many' },
    spec: { replicatedJobs },
  };
}

const EXPORT = 'export LEARNING_RATE=1e-4 # as in the paper\n';

/** Below the length up to which scripts are read. */
const SCRIPT_BYTES = 200 * 1024;

/** A Job whose script is full of comments and has its training command at the end. */
function longScript(): JsonObject {
  const line = `# ${'to keep in mind when this is changed '.repeat(3)}\n`;
  return jobOf(line.repeat(Math.floor(SCRIPT_BYTES / line.length)) + COMMAND, 8);
}
