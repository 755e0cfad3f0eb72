import type { Advisor } from '../advisor/advisor.js';
import { NO_OBSERVATIONS } from '../advisor/observation-holder.js';
import type { ObservationSnapshot } from '../advisor/observation-holder.js';
import type { Facts } from '../advisor/facts.js';
import type { Knowing } from '../advisor/largest-of.js';
import type { Assessment } from '../fit/assessment.js';
import { counted } from '../fit/words.js';
import type { InventorySnapshot } from '../inventory/inventory.js';
import type { JsonObject, Workload } from '../workload/workload.js';
import { UnreadableManifest } from '../workload/workload.js';
import { CliError } from './cli-error.js';
import { startAdvisor } from './input/advisor.js';
import { bind, impliedBindings, parseSetting } from './input/bindings.js';
import type { Bindings } from './input/bindings.js';
import { loadInventory } from './input/inventory.js';
import { loadObservations } from './input/observations.js';
import { loadManifests } from './input/manifests.js';
import type { ManifestInput, ManifestSet } from './input/manifests.js';
import { parseSupposedGpus, supposedInventory } from './input/supposed-gpus.js';
import type { SupposedGpus } from './input/supposed-gpus.js';

/** The options that say what to assess and against what. */
export interface AssessOptions {
  filename: readonly string[];
  inventory?: string;
  gpu?: readonly string[];
  set?: readonly string[];
  /** URL of a service, or a file with what it knows of earlier runs. */
  observations?: string;
  tokenFile?: string;
}

/** One assessed workload and where it came from. */
export interface AssessedInput {
  source: string;
  assessment: Assessment;
}

/** The same with the text that it was read from. */
export interface AssessedManifest extends AssessedInput {
  input: ManifestInput;
}

export interface Assessed {
  assessed: readonly AssessedManifest[];
  /** What could not be read, one line each. */
  problems: readonly string[];
}

/** What the workloads are held against: one inventory for all, or GPUs that are supposed for each. */
type Against = { kind: 'inventory'; snapshot: InventorySnapshot } | { kind: 'supposed'; gpus: readonly SupposedGpus[] };

const AGAINST_WHAT = 'give --inventory FILE|DIR, or the GPUs to suppose, such as --gpu a100-80gb:8';

function againstWhat({ inventory, gpu = [] }: AssessOptions, facts: Facts, nowMs: number): Against {
  if (inventory !== undefined && gpu.length > 0)
    throw new CliError('--inventory and --gpu exclude each other', AGAINST_WHAT);
  if (inventory !== undefined)
    return { kind: 'inventory', snapshot: loadInventory(inventory, { gpus: facts.gpus, nowMs }) };
  if (gpu.length === 0) throw new CliError('it is not said which GPUs there are', AGAINST_WHAT);
  return { kind: 'supposed', gpus: gpu.map(parseSupposedGpus) };
}

function wantedBy({ podSets }: Workload): { devicesPerPod: number; pods: number } {
  const counts = podSets.flatMap(({ devices, replicas }) => devices.map(({ count }) => ({ count, replicas })));
  return {
    devicesPerPod: Math.max(1, ...counts.map(({ count }) => count)),
    pods: Math.max(
      1,
      counts.reduce((sum, { replicas }) => sum + replicas, 0),
    ),
  };
}

const boundNote = (bindings: Bindings, set: Bindings): string[] =>
  [...bindings].map(([name, value]) => `${name} taken as ${value}, as ${set.has(name) ? '--set' : '--gpu'} says`);

/** `supposed: 2 nodes, 16 × NVIDIA A100-SXM4-40GB`, because the answer holds for these only. */
function supposedNote({ nodes, devices }: InventorySnapshot): string {
  const counts = new Map<string, number>();
  for (const { model, migProfile } of devices) {
    const name = migProfile === null ? model : `${model} MIG ${migProfile}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const gpus = [...counts].map(([name, count]) => `${count} × ${name}`).join(', ');
  return `supposed, as --gpu says: ${counted(nodes.length, 'node')} with ${gpus} in all`;
}

interface Asked {
  set: ManifestSet;
  against: Against;
  bindings: Bindings;
  nowMs: number;
  observations: ObservationSnapshot;
}

/** Assesses one manifest after another; what cannot be read becomes a problem. */
class Assessing {
  readonly problems: string[] = [];

  constructor(
    private readonly advisor: Advisor,
    private readonly facts: Facts,
    private readonly question: Asked,
  ) {}

  assess(input: ManifestInput): AssessedManifest[] {
    const { source, manifest } = input;
    try {
      const assessment = this.assessment(manifest);
      return assessment === null ? [] : [{ source, assessment, input }];
    } catch (error) {
      if (!(error instanceof UnreadableManifest)) throw error;
      this.problems.push(`${source}: ${error.message}`);
      return [];
    }
  }

  private assessment(written: JsonObject): Assessment | null {
    const { set, against, nowMs, observations } = this.question;
    const [files, objects] = [set.filesFor(written), set.objectsFor(written)];
    const workload = this.advisor.read(written, files, objects)?.workload;
    if (workload === undefined || workload.owner !== null) return null;
    const bindings = this.bindingsFor(workload);
    const manifest = bind(written, bindings, workload);
    const inventory = against.kind === 'inventory' ? against.snapshot : this.supposed(manifest, against.gpus);
    const assessment = this.advisor.assess({ manifest, files, objects, inventory, observations, nowMs });
    const supposed = against.kind === 'supposed' ? [supposedNote(inventory)] : [];
    const notes = [...supposed, ...boundNote(bindings, this.question.bindings), ...(assessment?.notes ?? [])];
    return assessment === null ? null : { ...assessment, notes };
  }

  private bindingsFor(workload: Workload): Bindings {
    const { against, bindings } = this.question;
    const implied = impliedBindings(workload, against.kind === 'supposed' ? against.gpus[0] : undefined);
    return new Map([...implied, ...bindings]);
  }

  private supposed(manifest: JsonObject, gpus: readonly SupposedGpus[]): InventorySnapshot {
    const { set, nowMs } = this.question;
    const workload = this.advisor.read(manifest, set.filesFor(manifest), set.objectsFor(manifest))?.workload;
    const wanted = workload === undefined ? { devicesPerPod: 1, pods: 1 } : wantedBy(workload);
    return supposedInventory(gpus, wanted, { gpus: this.facts.gpus, nowMs });
  }
}

/** What was there instead of a workload, for the one who looks for it. */
function foundKinds({ manifests }: ManifestSet): string {
  const kinds = new Set(
    manifests.map(({ manifest }) => (typeof manifest.kind === 'string' ? manifest.kind : 'no kind')),
  );
  return kinds.size === 0 ? 'no manifest was found' : `found: ${[...kinds].slice(0, 8).join(', ')}`;
}

/** Assesses sets of manifests, each against what the options say. */
export type AssessSet = (set: ManifestSet) => Assessed;

/** Gets ready to assess: reads the inventory once. Throws CliError and UnreadableInventory where there is none. */
export async function assessor(options: AssessOptions, nowMs: number, knowing?: Knowing): Promise<AssessSet> {
  const { advisor, facts } = knowing ?? (await startAdvisor());
  const against = againstWhat(options, facts, nowMs);
  const bindings = new Map((options.set ?? []).map(parseSetting));
  const { observations: from, tokenFile } = options;
  const observations = from === undefined ? NO_OBSERVATIONS : await loadObservations(from, tokenFile);
  return (set) => {
    const assessing = new Assessing(advisor, facts, { set, against, bindings, nowMs, observations });
    const assessed = set.manifests.flatMap((input) => assessing.assess(input));
    return { assessed, problems: [...set.problems, ...assessing.problems] };
  };
}

/**
 * Reads everything that was given with `-f` and assesses each workload in it. ConfigMaps in the same set are the files
 * alongside. Throws CliError and UnreadableInventory where there is nothing to assess or nothing to hold it against.
 */
export async function assessAll(options: AssessOptions, nowMs: number): Promise<Assessed> {
  const set = loadManifests(options.filename);
  const assessed = (await assessor(options, nowMs))(set);
  if (assessed.assessed.length === 0 && assessed.problems.length === 0)
    throw new CliError(`no workload that asks for GPUs in ${options.filename.join(', ')}`, foundKinds(set));
  return assessed;
}
