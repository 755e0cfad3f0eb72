import { setTimeout as pause } from 'node:timers/promises';
import type { JsonObject } from '../workload/workload.js';
import { ApiError, textOf } from './api-client.js';
import type { ApiClient } from './api-client.js';
import { KnownObjects } from './known-objects.js';
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
const RETRY_MS = [1_000, 2_000, 5_000, 10_000, 30_000] as const;
/** A watch over which nothing comes for so long may hang on a connection that is dead: another one is opened. */
const QUIET_MS = 30_000;
const GONE = 410;

/**
 * Lists one resource and follows its changes until it is stopped: over closed connections, expired versions, an API
 * server that is away, and a resource whose CRD comes later. It asks for bookmarks, so that a quiet resource does not
 * have to be listed again after every pause.
 */
export class ResourceWatch {
  readonly #slim: (object: JsonObject) => JsonObject;
  readonly #known: KnownObjects;
  /** Of the last change that is known; empty: everything has to be listed. */
  #version = '';
  #connection = new AbortController();
  #retry: NodeJS.Timeout | undefined;
  #failures = 0;
  #stopped = false;

  constructor(
    private readonly api: Pick<ApiClient, 'call' | 'open'>,
    private readonly resource: WatchedResource,
    private readonly handler: ResourceHandler,
  ) {
    this.#slim = resource.slim ?? withoutManagedFields;
    this.#known = new KnownObjects(handler);
  }

  start(): void {
    this.#stopped = false;
    this.#follow().catch((error: unknown) => this.#failed(error));
  }

  stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#retry);
    this.#connection.abort();
    return Promise.resolve();
  }

  /** Everything that is known now. */
  objects(): readonly JsonObject[] {
    return this.#known.all();
  }

  /** A watch that ends at once, again and again, is opened ever less often. */
  async #follow(): Promise<void> {
    for (let idle = 0; !this.#stopped;) {
      if (this.#version === '') await this.#listAll();
      const isOfUse = await this.#watch();
      idle = isOfUse ? 0 : idle + 1;
      if (idle > 0 && !this.#stopped) await pause(retryAfter(idle - 1), undefined, { ref: false });
    }
  }

  /** Until the connection ends; whether that was worth opening it. */
  async #watch(): Promise<boolean> {
    const connection = new AbortController();
    this.#connection = connection;
    if (this.#stopped) return true;
    let [isOpen, isQuiet] = [false, false];
    const quiet = setTimeout(() => {
      isQuiet = true;
      connection.abort();
    }, QUIET_MS).unref();
    try {
      return await this.#take(connection.signal, () => {
        isOpen = true;
        quiet.refresh();
      });
    } catch (error) {
      if (isGone(error)) this.#version = '';
      else if (!(isOpen && isQuiet) && !this.#stopped) throw error;
      return isQuiet || this.#stopped;
    } finally {
      clearTimeout(quiet);
      connection.abort();
    }
  }

  async #take(signal: AbortSignal, heard: () => void): Promise<boolean> {
    const query = { ...this.#selectors(), watch: 'true', allowWatchBookmarks: 'true', resourceVersion: this.#version };
    const stream = await this.api.open({ method: 'GET', path: this.resource.path, query }, signal);
    this.#failures = 0;
    heard();
    let [rest, events] = ['', 0];
    for await (const part of stream) {
      heard();
      const lines = (rest + (part as string)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#event(JSON.parse(line) as JsonObject);
      events += lines.length;
    }
    return events > 0;
  }

  #event({ type, object }: JsonObject): void {
    const about = object as JsonObject;
    if (type === 'ERROR')
      throw new ApiError(Number(about['code'] ?? 0), `watch ${this.resource.path}`, textOf(about['message']));
    if (type === 'ADDED' || type === 'MODIFIED') this.#known.put(this.#slim(about));
    if (type === 'DELETED') this.#known.remove(this.#slim(about));
    this.#version = versionOf(about);
  }

  async #listAll(): Promise<void> {
    const items: JsonObject[] = [];
    let page: JsonObject;
    let next = '';
    do {
      page = await this.#page(next);
      items.push(...((page['items'] ?? []) as JsonObject[]).map((item) => this.#slim(withKind(item, page))));
      next = textOf((page['metadata'] as JsonObject | undefined)?.['continue']);
    } while (next !== '');
    if (this.#stopped) return;
    this.#failures = 0;
    this.#known.replace(items);
    this.#version = versionOf(page);
    this.handler.listed?.();
  }

  #page(next: string): Promise<JsonObject> {
    const query = { limit: PAGE, ...this.#selectors(), ...(next && { continue: next }) };
    return this.api.call({ method: 'GET', path: this.resource.path, query });
  }

  #selectors(): Record<string, string> {
    const { labelSelector, fieldSelector } = this.resource;
    return { ...(labelSelector && { labelSelector }), ...(fieldSelector && { fieldSelector }) };
  }

  #failed(error: unknown): void {
    if (this.#stopped) return;
    clearTimeout(this.#retry);
    if (isGone(error)) this.#version = '';
    const isMissing = error instanceof ApiError && error.status === 404;
    const retryMs = retryAfter(isMissing ? Infinity : this.#failures++);
    this.handler.failed?.(error, retryMs);
    this.#retry = setTimeout(() => this.start(), retryMs);
    this.#retry.unref();
  }
}

const retryAfter = (failures: number): number => RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]!;

const isGone = (error: unknown): boolean => error instanceof ApiError && error.status === GONE;

function versionOf({ metadata }: JsonObject): string {
  return textOf((metadata as JsonObject | undefined)?.['resourceVersion']);
}

/** Items of a list come without apiVersion and kind; those of a watch have them. */
function withKind(item: JsonObject, list: JsonObject): JsonObject {
  const kind = textOf(list['kind']).replace(/List$/, '');
  return { apiVersion: textOf(list['apiVersion']), kind, ...item };
}
