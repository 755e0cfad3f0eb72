import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Exercise } from './exercised.js';

interface VisionRow {
  id: string;
  library: string;
  numClasses: number | null;
}

const CATALOG = 'catalog/vision.json';
const SPEC = 'src/model/families/image-models.spec.ts';
const FILE = fileURLToPath(new URL(`../../${CATALOG}`, import.meta.url));

/**
 * Constructors of a library whose parameters a spec counts against the catalog, row by row, without naming them: those
 * of the catalog, but for timm's feature extractors (no classes). Empty where the spec does not read the catalog.
 */
export function countedModels(all: readonly Exercise[], library: 'torchvision' | 'timm'): ReadonlySet<string> {
  if (!all.some(({ path, text }) => path === SPEC && text.includes(CATALOG))) return new Set();
  const { models } = JSON.parse(readFileSync(FILE, 'utf8')) as { models: VisionRow[] };
  const rows = models.filter((row) => row.library === library && (library !== 'timm' || row.numClasses !== 0));
  return new Set(rows.map(({ id }) => id));
}
