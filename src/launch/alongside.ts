import type { Container, Mount } from '../workload/workload.js';
import type { FilesAlongside } from './reading.js';
import { baseName } from './text/characters.js';
import { Tracked } from './text/tracked.js';

/** A file that was found, or the words that say why its content is not known. */
export type FileLookup = { content: Tracked } | { missing: string };

/** Files written by the script itself (heredocs); bounded in number. */
const MAX_WRITTEN_FILES = 200;

/**
 * The file system of one container as far as it is known: ConfigMaps mounted into it and files that its own script
 * writes. Only look-ups in memory: no path of a manifest ever reaches a disk.
 */
export class AlongsideView {
  private readonly written = new Map<string, Tracked>();

  constructor(
    private readonly files: FilesAlongside,
    private readonly container: Pick<Container, 'mounts' | 'workingDir'>,
  ) {}

  /** One entry of a ConfigMap, or undefined where it was not given. */
  configMapEntry(name: string, key: string): Tracked | undefined {
    const text = ownEntry(this.files.configMap(name), key);
    return text === undefined ? undefined : Tracked.of(text, { document: `configmap/${name}/${key}`, path: '' });
  }

  configMapKeys(name: string): readonly string[] {
    return Object.keys(this.files.configMap(name) ?? {}).slice(0, 1000);
  }

  write(path: string, cwd: string | null, content: Tracked): void {
    if (this.written.size < MAX_WRITTEN_FILES) this.written.set(absolute(path, cwd), content);
  }

  /** The content of a file as a process in `cwd` would find it. */
  read(path: string, cwd: string | null): FileLookup {
    const wanted = absolute(path, cwd);
    const written = this.written.get(wanted);
    if (written) return { content: written };
    const mount = this.mountOf(wanted);
    const beside = mount ? this.readMount(mount, wanted) : this.byName(wanted);
    if (beside && 'content' in beside) return beside;
    return this.givenBeside(wanted) ?? beside ?? { missing: `${path} is in the image` };
  }

  /** A file of the same name that lies beside the manifests: what is built into the image or copied to the volume. */
  private givenBeside(path: string): FileLookup | null {
    const name = baseName(path);
    const text = name === '' ? undefined : this.files.file?.(name);
    return text === undefined ? null : { content: Tracked.of(text, { document: `file/${name}`, path: '' }) };
  }

  private mountOf(path: string): Mount | null {
    let best: Mount | null = null;
    for (const mount of this.container.mounts) {
      const root = normal(mount.mountPath);
      const isUnder = path === root || path.startsWith(root === '/' ? '/' : `${root}/`);
      if (isUnder && root.length >= (best ? normal(best.mountPath).length : 0)) best = mount;
    }
    return best;
  }

  private readMount(mount: Mount, path: string): FileLookup {
    const { source } = mount;
    if (source.kind !== 'configmap' || !('items' in source))
      return { missing: `${path} is in ${volumeInWords(source)}` };
    const below = path.slice(normal(mount.mountPath).length + 1);
    const shown = [mount.subPath, below].filter(Boolean).join('/');
    const key = source.items ? keyOfItem(source.items, shown) : shown;
    const content = key === null ? undefined : this.configMapEntry(source.name, key);
    if (content) return { content };
    if (!this.files.configMap(source.name))
      return { missing: `${path} is in ConfigMap ${source.name}, which was not given` };
    return { missing: `${path} is not in ConfigMap ${source.name}` };
  }

  /** Where the working directory is unknown, a relative path is matched by the name of the only file that has it. */
  private byName(path: string): FileLookup | null {
    if (path.startsWith('/')) return null;
    const name = baseName(path);
    const written = [...this.written].filter(([known]) => baseName(known) === name).map(([, content]) => content);
    const mounted = this.container.mounts.flatMap((mount) => this.mountedByName(mount, name));
    const found = [...written, ...mounted];
    return found.length === 1 ? { content: found[0] as Tracked } : null;
  }

  private mountedByName(mount: Mount, name: string): Tracked[] {
    const { source } = mount;
    if (source.kind !== 'configmap' || !('items' in source) || mount.subPath !== null) return [];
    const key = source.items ? keyOfItem(source.items, name) : name;
    const content = key === null ? undefined : this.configMapEntry(source.name, key);
    return content ? [content] : [];
  }
}

const ownEntry = (data: Readonly<Record<string, string>> | undefined, key: string): string | undefined =>
  data && Object.hasOwn(data, key) ? data[key] : undefined;

/** `items` maps keys of the ConfigMap to paths below the mount. */
function keyOfItem(items: Readonly<Record<string, string>>, path: string): string | null {
  return Object.entries(items).find(([, itemPath]) => itemPath === path)?.[0] ?? null;
}

const VOLUMES: Readonly<Record<string, string>> = {
  pvc: 'a PersistentVolumeClaim',
  secret: 'a Secret',
  emptydir: 'an emptyDir volume, filled at run time',
  hostpath: 'a directory of the node',
};

const volumeInWords = (source: Mount['source']): string => `${VOLUMES[source.kind] ?? 'a volume'} (${source.name})`;

function absolute(path: string, cwd: string | null): string {
  return normal(path.startsWith('/') || cwd === null ? path : `${cwd}/${path}`);
}

/** Removes `.`, `..` and doubled slashes; never leaves the root. */
function normal(path: string): string {
  const kept: string[] = [];
  for (const part of path.slice(0, 4096).split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') kept.pop();
    else kept.push(part);
  }
  return (path.startsWith('/') ? '/' : '') + kept.join('/');
}
