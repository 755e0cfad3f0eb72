import { basename } from 'node:path';
import type { FilesAlongside } from '../../launch/reading.js';
import { readDocuments } from '../../workload/documents/documents.js';
import type { Position } from '../../workload/documents/positions.js';
import type { DocumentChange, TextEdit } from '../../workload/documents/text-edits.js';
import type { Json, JsonObject, ObjectsAlongside } from '../../workload/workload.js';
import { readFiles } from './read-files.js';

/** A file as it was given. */
export interface GivenFile {
  name: string;
  text: string;
}

/** One manifest with the file that it came from. */
export interface ManifestInput {
  source: string;
  manifest: JsonObject;
  file: GivenFile;
  /** The edit of the file's text that makes a change of this manifest; in words why there is none. */
  edit(change: DocumentChange): TextEdit | string;
  /** Where the value at a path stands in the file's text. */
  position(path: string): Position | null;
}

/** All that was given with `-f`: manifests, and among them the ConfigMaps and other objects that manifests name. */
export interface ManifestSet {
  manifests: readonly ManifestInput[];
  problems: readonly string[];
  /** All files that were given, manifests or not. */
  files: readonly GivenFile[];
  filesFor(manifest: JsonObject): FilesAlongside;
  objectsFor(manifest: JsonObject): ObjectsAlongside;
  /** The object of a kind that a manifest names. */
  find(kind: string, name: string, beside: JsonObject): ManifestInput | undefined;
}

/** Files that only programs read: configurations and sources. */
const isProgramFile = (name: string): boolean => /\.(toml|py|sh|cfg)$/i.test(name);
const isWanted = (name: string): boolean => /\.(ya?ml|json)$/i.test(name) || isProgramFile(name);
/** What a ConfigMap may hold at most is more than any program's configuration. */
const LARGEST_PROGRAM_FILE = 1_048_576;

/** Files by their names without folders; null where several have the same name. */
function byName(files: readonly GivenFile[]): Map<string, string | null> {
  const found = new Map<string, string | null>();
  for (const { name, text } of files) {
    const short = basename(name);
    if (text.length <= LARGEST_PROGRAM_FILE) found.set(short, found.has(short) ? null : text);
  }
  return found;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const metadataOf = (manifest: JsonObject): JsonObject => (isObject(manifest.metadata) ? manifest.metadata : {});
const namespaceOf = (manifest: JsonObject): string | null => {
  const { namespace } = metadataOf(manifest);
  return typeof namespace === 'string' ? namespace : null;
};

/** Objects of different namespaces do not see each other; one without a namespace goes wherever it is applied. */
function sharesNamespace(a: JsonObject, b: JsonObject): boolean {
  const [left, right] = [namespaceOf(a), namespaceOf(b)];
  return left === null || right === null || left === right;
}

function texts(data: Json | undefined): Record<string, string> {
  if (!isObject(data)) return {};
  return Object.fromEntries(
    Object.entries(data).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

class GivenManifests implements ManifestSet {
  /** Files by their names, which programs may be told to read. */
  private readonly beside: ReadonlyMap<string, string | null>;

  constructor(
    readonly manifests: readonly ManifestInput[],
    readonly problems: readonly string[],
    readonly files: readonly GivenFile[],
  ) {
    this.beside = byName(files);
  }

  filesFor(manifest: JsonObject): FilesAlongside {
    return {
      configMap: (name) => {
        const found = this.find('ConfigMap', name, manifest);
        return found === undefined ? undefined : texts(found.manifest.data);
      },
      file: (name) => this.beside.get(name) ?? undefined,
    };
  }

  objectsFor(manifest: JsonObject): ObjectsAlongside {
    return { object: (kind, name) => this.find(kind, name, manifest)?.manifest };
  }

  find(kind: string, name: string, beside: JsonObject): ManifestInput | undefined {
    return this.manifests.find(
      ({ manifest }) =>
        manifest.kind === kind && metadataOf(manifest).name === name && sharesNamespace(manifest, beside),
    );
  }
}

/**
 * Reads every manifest at the given paths; in folders also the configurations and sources beside them, which programs may
 * be told to read. What cannot be read is named in `problems`; the rest is still there.
 */
export function loadManifests(paths: readonly string[]): ManifestSet {
  return readManifests(paths.flatMap((path) => readFiles(path, isWanted)));
}

/** Reads every manifest of the given texts, as `loadManifests` does. */
export function readManifests(files: readonly GivenFile[]): ManifestSet {
  const written = files.filter(({ name }) => !isProgramFile(name));
  const documents = written.flatMap((file) => readDocuments(file.text, file.name).map((each) => ({ ...each, file })));
  const manifests = documents.flatMap((document): ManifestInput[] => {
    const { manifest, name, file } = document;
    const edit = (change: DocumentChange): TextEdit | string => document.edit(change);
    const position = (path: string): Position | null => document.position(path);
    return manifest === null ? [] : [{ source: name, manifest, file, edit, position }];
  });
  const problems = documents.flatMap(({ name, errors }) => errors.map((error) => `${name}: ${error}`));
  return new GivenManifests(manifests, problems, files);
}
