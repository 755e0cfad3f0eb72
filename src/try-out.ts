import type { NestExpressApplication } from '@nestjs/platform-express';
import { ASSESSMENT_SINK } from './admission/assessment-sink.js';
import type { AssessmentSink } from './admission/assessment-sink.js';
import { readAlongside } from './advisor/alongside.js';
import { ASSESSOR, AssessmentTooLong } from './advisor/assessor.js';
import type { Assessor } from './advisor/assessor.js';
import { InventoryHolder } from './advisor/inventory-holder.js';
import type { AssessedInput } from './cli/assess-all.js';
import { loadManifests } from './cli/input/manifests.js';
import type { ManifestInput, ManifestSet } from './cli/input/manifests.js';
import { summary } from './cli/output/assessments.js';
import { counted } from './fit/words.js';
import { terminalOf } from './cli/output/terminal.js';
import { UnreadableManifest } from './workload/workload.js';

/** The first inventory has been waited for at the start; this is for a disk that is slow. */
const INVENTORY_WAIT_MS = 30_000;

/**
 * Assesses the manifests of a folder against the inventory, records the answers and prints one line for each. The same
 * way as for workloads of a cluster, so that what is shown here is what they would get.
 */
export async function tryOut(app: NestExpressApplication, folder: string): Promise<void> {
  const [assessor, sink] = [app.get<Assessor>(ASSESSOR), app.get<AssessmentSink>(ASSESSMENT_SINK)];
  const inventory = app.get(InventoryHolder);
  if (!(await isKnown(inventory))) {
    console.error('plimsoll: there is no inventory yet, so the example manifests are not assessed');
    return;
  }
  const set = loadManifests([folder]);
  console.error(`plimsoll: assessing the manifests in ${folder}`);
  const assessed: AssessedInput[] = [];
  for (const input of set.manifests) assessed.push(...(await assess(input, set, assessor)));
  for (const { assessment } of assessed) sink.take(assessment);
  const { nodes, devices } = inventory.current();
  console.log(
    `\n${counted(assessed.length, 'workload')} held against ${counted(devices.length, 'device')} on ${counted(nodes.length, 'node')}\n`,
  );
  console.log(`${summary(assessed, terminalOf(process.stdout, process.env))}\n`);
  for (const problem of set.problems) console.error(`plimsoll: not read: ${problem}`);
}

async function assess(
  { source, manifest }: ManifestInput,
  set: ManifestSet,
  assessor: Assessor,
): Promise<AssessedInput[]> {
  try {
    const [files, objects] = [set.filesFor(manifest), set.objectsFor(manifest)];
    const read = readAlongside(manifest, {
      configMap: (_namespace, name) => files.configMap(name),
      object: (_namespace, kind, name) => objects.object(kind, name),
    });
    if (read === null) return [];
    const assessment = await assessor.assess({ manifest, ...read });
    return assessment === null ? [] : [{ source, assessment }];
  } catch (error) {
    if (!(error instanceof UnreadableManifest || error instanceof AssessmentTooLong)) throw error;
    console.error(`plimsoll: not assessed: ${source}: ${error.message}`);
    return [];
  }
}

function isKnown(inventory: InventoryHolder): Promise<boolean> {
  if (inventory.isKnown()) return Promise.resolve(true);
  return new Promise((resolve) => {
    const late = setTimeout(resolve, INVENTORY_WAIT_MS, false);
    const stop = inventory.onSwap(() => {
      clearTimeout(late);
      stop();
      resolve(true);
    });
  });
}
