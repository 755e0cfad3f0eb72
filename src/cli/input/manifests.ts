import type { FilesAlongside } from '../../launch/reading.js';
import { readDocuments } from '../../workload/documents/documents.js';
import type { Json, JsonObject, ObjectsAlongside } from '../../workload/workload.js';
import { readFiles } from './read-files.js';

/** One manifest with the file that it came from. */
export interface ManifestInput {
  source: string;
  manifest: JsonObject;
}

/** All that was given with `-f`: manifests, and among them the ConfigMaps and other objects that manifests name. */
export interface ManifestSet {
  manifests: readonly ManifestInput[];
  problems: readonly string[];
  filesFor(manifest: JsonObject): FilesAlongside;
  objectsFor(manifest: JsonObject): ObjectsAlongside;
}

const isManifestFile = (name: string): boolean => /\.(ya?ml|json)$/i.test(name);

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
  constructor(
    readonly manifests: readonly ManifestInput[],
    readonly problems: readonly string[],
  ) {}

  filesFor(manifest: JsonObject): FilesAlongside {
    return {
      configMap: (name) => {
        const found = this.find('ConfigMap', name, manifest);
        return found === undefined ? undefined : texts(found.data);
      },
    };
  }

  objectsFor(manifest: JsonObject): ObjectsAlongside {
    return { object: (kind, name) => this.find(kind, name, manifest) };
  }

  private find(kind: string, name: string, beside: JsonObject): JsonObject | undefined {
    return this.manifests.find(
      ({ manifest }) =>
        manifest.kind === kind && metadataOf(manifest).name === name && sharesNamespace(manifest, beside),
    )?.manifest;
  }
}

/** Reads every manifest at the given paths. What cannot be read is named in `problems`; the rest is still there. */
export function loadManifests(paths: readonly string[]): ManifestSet {
  const files = paths.flatMap((path) => readFiles(path, isManifestFile));
  const documents = files.flatMap(({ name, text }) => readDocuments(text, name));
  const manifests = documents.flatMap(({ manifest, name }) => (manifest === null ? [] : [{ source: name, manifest }]));
  const problems = documents.flatMap(({ name, errors }) => errors.map((error) => `${name}: ${error}`));
  return new GivenManifests(manifests, problems);
}
