import type { SourcePlace } from '../run/setting.js';
import { baseName } from './text/characters.js';
import type { Tracked } from './text/tracked.js';
import type { ShellCommand } from './shell/state.js';

/** Versions by package name, as far as the image or an installation line says them. */
export class Versions {
  private readonly byPackage = new Map<string, { version: string; place: SourcePlace | null }>();

  /** The first word on a package stays. */
  add(name: string, version: string, place: SourcePlace | null): void {
    const key = normalName(name);
    if (!this.byPackage.has(key) && isVersion(version))
      this.byPackage.set(key, { version: version.slice(0, 60), place });
  }

  get(name: string): string | null {
    return this.byPackage.get(normalName(name))?.version ?? null;
  }

  place(name: string): SourcePlace | null {
    return this.byPackage.get(normalName(name))?.place ?? null;
  }

  /** As the run holds them. */
  packages(): Record<string, string> {
    return Object.fromEntries(
      [...this.byPackage].slice(0, 50).map(([name, { version }]) => [name.slice(0, 60), version]),
    );
  }
}

const normalName = (name: string): string => name.toLowerCase().replaceAll('_', '-').replaceAll('.', '-');
const isVersion = (text: string): boolean => text !== '' && text.charAt(0) >= '0' && text.charAt(0) <= '9';

/** Whether a version is known and at least `least`; compared number by number, what follows a number is left out. */
export function isAtLeast(version: string | null, least: string): boolean {
  if (version === null) return false;
  const [ours, theirs] = [numbersOf(version), numbersOf(least)];
  for (let i = 0; i < theirs.length; i++) {
    const difference = (ours[i] ?? 0) - (theirs[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

const numbersOf = (version: string): number[] =>
  version
    .split('.')
    .slice(0, 4)
    .map((part) => Number.parseInt(part, 10) || 0);

/** What changed with a version: `[from, value]` in rising order. */
export type ByVersion<T> = readonly (readonly [string, T])[];

export interface VersionedDefault<T> {
  value: T;
  /** Other values that versions before or after had; empty where the version is known. */
  others: readonly T[];
}

/** The default of a version; where the version is not known the newest, with what it was before. */
export function defaultOf<T>(history: ByVersion<T>, version: string | null): VersionedDefault<T> {
  const values = history.map(([, value]) => value);
  const newest = values.at(-1) as T;
  if (version === null) return { value: newest, others: values.slice(0, -1).filter((value) => value !== newest) };
  const known = history.filter(([from]) => isAtLeast(version, from)).at(-1);
  return { value: known ? known[1] : (values[0] as T), others: [] };
}

interface ImageRule {
  /** End of the repository name, without registry. */
  repository: string;
  /** Package whose version the tag begins with. */
  package: string;
}

/** Images whose tag is a version of the package that they are built for. */
const IMAGES: readonly ImageRule[] = [
  { repository: 'pytorch/pytorch', package: 'torch' },
  { repository: 'huggingface/transformers-pytorch-gpu', package: 'transformers' },
  { repository: 'huggingface/transformers-pytorch-deepspeed-latest-gpu', package: 'transformers' },
  { repository: 'huggingface/accelerate', package: 'accelerate' },
  { repository: 'huggingface/trl', package: 'trl' },
  { repository: 'deepspeed/deepspeed', package: 'deepspeed' },
  { repository: 'ultralytics/ultralytics', package: 'ultralytics' },
  { repository: 'hiyouga/llamafactory', package: 'llamafactory' },
  { repository: 'rayproject/ray', package: 'ray' },
  { repository: 'rayproject/ray-ml', package: 'ray' },
  { repository: 'nvidia/nemo', package: 'nemo' },
  { repository: 'tensorflow/tensorflow', package: 'tensorflow' },
];

/** Words of a tag that name another package: `2.4.0-cuda12.1-cudnn9-runtime`, `main-py3.11-cu124-2.6.0`. */
const TAG_WORDS: readonly (readonly [string, string])[] = [
  ['cuda', 'cuda'],
  ['cu', 'cuda'],
  ['cudnn', 'cudnn'],
  ['torch', 'torch'],
  ['pytorch', 'torch'],
  ['transformers', 'transformers'],
  ['py', 'python'],
];

/** Reads versions from an image name such as `pytorch/pytorch:2.4.0-cuda12.1-cudnn9-runtime`. */
export function versionsOfImage(image: string, place: SourcePlace | null, versions: Versions): void {
  const { repository, tag } = splitImage(image);
  if (tag === '') return;
  const [first = '', ...words] = tag.split('-');
  const rule = IMAGES.find((known) => repository === known.repository || repository.endsWith(`/${known.repository}`));
  if (rule) versions.add(rule.package, first.startsWith('v') ? first.slice(1) : first, place);
  for (const word of [first, ...words]) addTagWord(word, place, versions);
}

function addTagWord(word: string, place: SourcePlace | null, versions: Versions): void {
  for (const [prefix, name] of TAG_WORDS) {
    const version = word.slice(prefix.length);
    if (!word.startsWith(prefix) || !isVersion(version)) continue;
    versions.add(name, name === 'cuda' ? cudaVersion(version) : version, place);
    return;
  }
}

/** `12.1` of `cuda12.1`; `12.4` of `cu124`. */
const cudaVersion = (digits: string): string =>
  digits.includes('.') || digits.length < 3 ? digits : `${digits.slice(0, -1)}.${digits.slice(-1)}`;

/** The repository without its registry's port being taken for a tag, and the tag without a digest. */
export function splitImage(image: string): { repository: string; tag: string } {
  const [name = ''] = image.slice(0, 500).split('@');
  const colon = name.lastIndexOf(':');
  if (colon < 0 || colon < name.lastIndexOf('/')) return { repository: name, tag: '' };
  return { repository: name.slice(0, colon), tag: name.slice(colon + 1) };
}

const INSTALLERS: ReadonlySet<string> = new Set(['pip', 'pip3', 'uv', 'python', 'python3']);

/** Reads `pip install trl==0.9.6 transformers==4.44.2` and its kin. */
export function versionsOfInstallation(command: ShellCommand, versions: Versions): void {
  const [name, ...words] = command.words;
  if (!name || !INSTALLERS.has(baseName(name.text)) || !words.some((word) => word.text === 'install')) return;
  for (const word of words) addRequirement(word, versions);
}

/** One requirement, `name[extra]==version`. */
export function addRequirement(word: Tracked, versions: Versions): void {
  const { text } = word;
  const equals = text.indexOf('==');
  if (equals <= 0 || !word.isResolved) return;
  const bracket = text.indexOf('[');
  const name = text.slice(0, bracket > 0 && bracket < equals ? bracket : equals).trim();
  const version =
    text
      .slice(equals + 2)
      .split(',')[0]
      ?.trim() ?? '';
  versions.add(name, version, word.slice(equals + 2).place());
}
