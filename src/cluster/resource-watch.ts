import { ListWatch, Watch } from '@kubernetes/client-node';
import type { KubernetesListObject, KubernetesObject } from '@kubernetes/client-node';
import type { JsonObject } from '../workload/workload.js';
import { ApiError, textOf } from './api-client.js';
import type { ApiClient } from './api-client.js';
import { withoutManagedFields } from './slim.js';

/** Objects of one resource, as they come and go. */
export interface ResourceHandler {
  changed(object: JsonObject): void;
  removed(object: JsonObject): void;
  /** Once everything that is there has been told by `changed`. */
  listed?(): void;
  /** The resource cannot be read now, and is tried again in `retryMs`. */
  failed?(error: unknown, retryMs: number): void;
}

export interface WatchedResource {
  /** Such as `/apis/batch/v1/jobs`. */
  path: string;
  labelSelector?: string;
  fieldSelector?: string;
  /** What is kept in memory of each object. */
  slim?: (object: JsonObject) => JsonObject;
}

const PAGE = '500';
const CHANGES = new Set(['ADDED', 'MODIFIED', 'DELETED']);
const RETRY_MS = [1_000, 2_000, 5_000, 10_000, 30_000] as const;

/** Asks for bookmarks, so that a quiet resource does not have to be listed again after every pause. */
class SlimWatch extends Watch {
  constructor(
    api: ApiClient,
    private readonly slim: (object: JsonObject) => JsonObject,
  ) {
    super(api.config);
  }

  override watch(...[path, query, callback, done]: Parameters<Watch['watch']>): ReturnType<Watch['watch']> {
    const slimmed: typeof callback = (phase, object: JsonObject, event) =>
      callback(phase, CHANGES.has(phase) ? this.slim(object) : object, event);
    return super.watch(path, { ...query, allowWatchBookmarks: true }, slimmed, done);
  }
}

/**
 * Lists one resource and follows its changes until it is stopped: over closed connections, expired versions, an API
 * server that is away, and a resource whose CRD comes later.
 */
export class ResourceWatch {
  readonly #list: ListWatch<KubernetesObject>;
  readonly #slim: (object: JsonObject) => JsonObject;
  #retry: NodeJS.Timeout | undefined;
  #failures = 0;
  #stopped = false;

  constructor(
    private readonly api: ApiClient,
    private readonly resource: WatchedResource,
    private readonly handler: ResourceHandler,
  ) {
    this.#slim = resource.slim ?? withoutManagedFields;
    this.#list = new ListWatch(
      resource.path,
      new SlimWatch(api, this.#slim),
      () => this.#listAll(),
      false,
      resource.labelSelector,
      resource.fieldSelector,
    );
    this.#list.on('add', (object) => handler.changed(object as JsonObject));
    this.#list.on('update', (object) => handler.changed(object as JsonObject));
    this.#list.on('delete', (object) => handler.removed(object as JsonObject));
    this.#list.on('error', (error: unknown) => this.#failed(error));
  }

  start(): void {
    // A failure of the very first watch request is thrown, all later ones are told to the error callback.
    this.#list.start().catch((error: unknown) => this.#failed(error));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#retry);
    await this.#list.stop();
  }

  /** Everything that is known now. */
  objects(): readonly JsonObject[] {
    return this.#list.list() as readonly JsonObject[];
  }

  async #listAll(): Promise<KubernetesListObject<KubernetesObject>> {
    const items: JsonObject[] = [];
    let page: JsonObject;
    let next = '';
    do {
      page = await this.#page(next);
      items.push(...((page['items'] ?? []) as JsonObject[]).map((item) => this.#slim(withKind(item, page))));
      next = textOf((page['metadata'] as JsonObject | undefined)?.['continue']);
    } while (next !== '');
    this.#failures = 0;
    setImmediate(() => this.handler.listed?.());
    return { metadata: page['metadata'], items } as unknown as KubernetesListObject<KubernetesObject>;
  }

  #page(next: string): Promise<JsonObject> {
    const { path, labelSelector, fieldSelector } = this.resource;
    const selectors = { ...(labelSelector && { labelSelector }), ...(fieldSelector && { fieldSelector }) };
    const query = { limit: PAGE, ...selectors, ...(next && { continue: next }) };
    return this.api.call({ method: 'GET', path, query });
  }

  #failed(error: unknown): void {
    if (this.#stopped) return;
    clearTimeout(this.#retry);
    const step = error instanceof ApiError && error.status === 404 ? RETRY_MS.length - 1 : this.#failures++;
    const retryMs = RETRY_MS[Math.min(step, RETRY_MS.length - 1)]!;
    this.handler.failed?.(error, retryMs);
    this.#retry = setTimeout(() => this.start(), retryMs);
    this.#retry.unref();
  }
}

/** Items of a list come without apiVersion and kind; those of a watch have them. */
function withKind(item: JsonObject, list: JsonObject): JsonObject {
  const kind = textOf(list['kind']).replace(/List$/, '');
  return { apiVersion: textOf(list['apiVersion']), kind, ...item };
}
