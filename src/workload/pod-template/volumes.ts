import type { Field } from '../field.js';
import type { Mount } from '../workload.js';

type Source = Mount['source'];
/** Sources by volume name; a projected volume has several. */
export type Volumes = ReadonlyMap<string, readonly Source[]>;

/** The volumes of a pod spec, as far as their content or their name can tell something. */
export function readVolumes(spec: Field): Volumes {
  return new Map(
    spec
      .get('volumes')
      .items()
      .map((volume) => [volume.get('name').text() ?? '', sourcesOf(volume)]),
  );
}

/** What a container sees of the volumes. */
export function readMounts(container: Field, volumes: Volumes): Mount[] {
  return container
    .get('volumeMounts')
    .items()
    .flatMap((mount) => {
      const mountPath = mount.get('mountPath').text() ?? '';
      const subPath = mount.get('subPath').text() ?? mount.get('subPathExpr').text();
      const sources = volumes.get(mount.get('name').text() ?? '') ?? [];
      return sources.map((source) => ({ mountPath, subPath, source }));
    });
}

function sourcesOf(volume: Field): Source[] {
  if (volume.get('projected').present) return volume.get('projected', 'sources').items().map(singleSource);
  return [singleSource(volume)];
}

function singleSource(from: Field): Source {
  if (from.get('configMap').present) return configMap(from.get('configMap'));
  for (const [kind, member, nameKey] of NAMED_SOURCES) {
    const source = from.get(member);
    if (source.present) return { kind, name: source.get(nameKey).text() ?? '' };
  }
  const name = from.get('name').text() ?? '';
  return from.get('emptyDir').present ? { kind: 'emptydir', name } : { kind: 'other', name };
}

/** A volume names its Secret `secretName`, a projected source `name`. */
const NAMED_SOURCES = [
  ['pvc', 'persistentVolumeClaim', 'claimName'],
  ['hostpath', 'hostPath', 'path'],
  ['secret', 'secret', 'secretName'],
  ['image', 'image', 'reference'],
] as const;

function configMap(source: Field): Source {
  const items = source.get('items');
  const pairs = items.items().map((item) => [item.get('key').text() ?? '', item.get('path').text() ?? '']);
  return {
    kind: 'configmap',
    name: source.get('name').text() ?? '',
    items: items.present ? (Object.fromEntries(pairs) as Record<string, string>) : null,
  };
}
