import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { format } from 'prettier';
import { loadFacts } from '../../src/advisor/facts.js';
import { architectureOf } from '../../src/model/architecture.js';
import { ShapeMismatch } from '../../src/memory/autograd/strides.js';
import { resolvedModelOf } from '../../src/model/catalog.js';
import { UnsupportedModel } from '../../src/model/unsupported-model.js';
import type { Task } from '../../src/run/training-run.js';
import { savedPerImage } from './saved-elements.js';
import { describeWithShared, sharedPath } from './shared-data.js';

const PAGE = 'docs/image-models.md';

/** What the shared catalog says of a model, as its authors counted it. */
interface Counted {
  library: 'torchvision' | 'timm';
  name: string;
  task: Task;
  parameters: number;
  image: number;
  classes: number;
  elements: number | null;
}

interface VisionCatalog {
  torchvision: Record<
    string,
    { kind: string; params: number; crop: number; num_classes: number; saved_float_elems?: number }
  >;
  timm: { rows: [string, number, number, number | null, unknown, unknown, number | null][] };
}

function countedModels(): Counted[] {
  const catalog = JSON.parse(readFileSync(sharedPath('catalog', 'vision.json'), 'utf8')) as VisionCatalog;
  const torchvision = Object.entries(catalog.torchvision).map(([name, row]): Counted => ({
    library: 'torchvision',
    name,
    task: row.kind === 'segmentation' ? 'segmentation' : 'image-classification',
    parameters: row.params,
    image: row.crop,
    classes: row.num_classes,
    elements: row.saved_float_elems ?? null,
  }));
  const timm = catalog.timm.rows.map(([name, parameters, image, classes, , , elements]): Counted => ({
    library: 'timm',
    name,
    task: 'image-classification',
    parameters,
    image,
    classes: classes ?? 1000,
    elements,
  }));
  // Without classes there is no head whose input is kept, and nothing to train.
  return [...torchvision, ...timm].filter(({ elements, classes }) => elements !== null && classes > 0);
}

interface Compared extends Counted {
  /** null: covered; else why not. */
  missing: string | null;
  ownParameters: number;
  ownElements: number;
}

const facts = loadFacts();
const size = (shape: readonly number[]): number => shape.reduce((product, dim) => product * dim, 1);

function compared(counted: Counted): Compared {
  const { library, name, task, classes } = counted;
  const image: [number, number] = [counted.image, counted.image];
  try {
    const { row } = facts.models.find(`${library}/${name}`);
    if (row === null) return { ...counted, missing: 'not in the catalog', ownParameters: 0, ownElements: 0 };
    const model = { ...resolvedModelOf(row), image, config: { ...row.config, num_classes: classes } };
    const architecture = architectureOf(model, task);
    const ownParameters = architecture.parameters.reduce((sum, { shape }) => sum + size(shape), 0);
    const { elements } = savedPerImage({ architecture, image, task });
    return { ...counted, missing: null, ownParameters, ownElements: elements };
  } catch (error) {
    if (!(error instanceof UnsupportedModel || error instanceof ShapeMismatch)) throw error;
    return { ...counted, missing: error.message, ownParameters: 0, ownElements: 0 };
  }
}

const errorOf = ({ elements, ownElements }: Compared): number => ownElements / elements! - 1;
/** Class tokens apart from the others are a row more or less. */
const EXACT = 1e-4;

const percent = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(1)} %`;

function pageOf(all: readonly Compared[]): string {
  const covered = all.filter(({ missing }) => missing === null);
  const exact = covered.filter((one) => Math.abs(errorOf(one)) <= EXACT);
  const rest = covered.filter((one) => Math.abs(errorOf(one)) > EXACT);
  const row = (one: Compared): string =>
    `| ${one.library} | ${one.name} | ${one.elements} | ${one.ownElements} | ${(100 * errorOf(one)).toFixed(2)} % |`;
  const missing = all.filter(({ missing: reason }) => reason !== null);
  return `# Image models against the catalog's counts

Kept by \`test/unit/catalog-images.spec.ts\` (\`UPDATE_GOLDENS=1\` writes it anew). The shared catalog has, for ${all.length} classifiers and
segmenters of torchvision and timm, their parameters and the elements that autograd keeps of an image, counted on the real classes with
torch 1.13. Every model that Plimsoll has, written by hand or recorded, is counted in the same way
(\`test/unit/saved-elements.ts\` says what a GPU does otherwise).

| | models | share |
| --- | --- | --- |
| with counts in the catalog | ${all.length} | |
| covered | ${covered.length} | ${percent(covered.length, all.length)} |
| parameters equal | ${covered.filter((one) => one.ownParameters === one.parameters).length} | ${percent(covered.filter((one) => one.ownParameters === one.parameters).length, covered.length)} of those covered |
| kept elements equal (within 0.01 %) | ${exact.length} | ${percent(exact.length, covered.length)} of those covered |

## Kept elements that differ

| library | model | catalog | here | |
| --- | --- | --- | --- | --- |
${rest.map(row).join('\n')}

## Not covered

${missing.map(({ library, name }) => `\`${library}/${name}\``).join(', ') || 'None.'}
`;
}

describeWithShared('catalog', 'image models of the shared catalog', () => {
  const all = countedModels().map(compared);
  const covered = all.filter(({ missing }) => missing === null);

  it('have the parameters that were counted on the real classes', () => {
    const wrong = covered.filter(({ parameters, ownParameters }) => parameters !== ownParameters);
    expect(wrong.map(({ name }) => name)).toEqual([]);
  });

  it('keep what the real classes keep, but for those that are listed', async () => {
    const page = await format(pageOf(all), { parser: 'markdown', proseWrap: 'preserve', printWidth: 120 });
    if (process.env.UPDATE_GOLDENS === '1') writeFileSync(PAGE, page);
    expect(page).toBe(readFileSync(PAGE, 'utf8'));
  });

  it('are nearly all covered, and nearly all equal', () => {
    const exact = covered.filter((one) => Math.abs(errorOf(one)) <= EXACT);
    expect(covered.length / all.length).toBeGreaterThanOrEqual(0.98);
    expect(exact.length / covered.length).toBeGreaterThanOrEqual(0.95);
  });
});
