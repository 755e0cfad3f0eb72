import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../workload/workload.js';
import { ApiClient } from './api-client.js';
import { ResourceWatch } from './resource-watch.js';

const job = (name: string, version: string): JsonObject => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name, namespace: 'team', resourceVersion: version, managedFields: [] },
});

/** What an API server with one resource answers, request by request. */
class Resource {
  readonly asked: string[] = [];
  items: JsonObject[] = [];
  version = '1';
  /** Watches that are open. */
  readonly watches: ServerResponse[] = [];
  readonly server: Server = createServer((request, response) => this.#answer(request, response));

  #answer({ url = '' }: IncomingMessage, response: ServerResponse): void {
    const query = new URL(url, 'http://api').searchParams;
    const isWatch = query.get('watch') === 'true';
    this.asked.push(isWatch ? `watch from ${query.get('resourceVersion')}` : 'list');
    if (isWatch) {
      response.writeHead(200).flushHeaders();
      this.watches.push(response);
      return;
    }
    const items = this.items.map(({ apiVersion: _version, kind: _kind, ...item }) => item);
    response.end(
      JSON.stringify({ kind: 'JobList', apiVersion: 'batch/v1', metadata: { resourceVersion: this.version }, items }),
    );
  }

  async open(): Promise<ServerResponse> {
    const count = this.watches.length;
    await until(() => this.watches.length > count || (count > 0 && !this.watches.at(-1)!.writableEnded));
    return this.watches.at(-1)!;
  }
}

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500 && !holds(); tries++) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(holds()).toBe(true);
}

const line = (type: string, object: JsonObject): string => `${JSON.stringify({ type, object })}\n`;

describe('a watched resource', () => {
  let resource: Resource;
  let watch: ResourceWatch;
  let told: string[];

  beforeEach(async () => {
    resource = new Resource();
    resource.server.listen(0, '127.0.0.1');
    await once(resource.server, 'listening');
    const server = `http://127.0.0.1:${(resource.server.address() as AddressInfo).port}`;
    told = [];
    const nameOf = ({ metadata }: JsonObject) => (metadata as JsonObject)['name'] as string;
    const api = new ApiClient({ server, forRequest: () => Promise.resolve({}) });
    watch = new ResourceWatch(
      api,
      { path: '/apis/batch/v1/jobs' },
      {
        changed: (object) => told.push(`changed ${nameOf(object)}`),
        removed: (object) => told.push(`removed ${nameOf(object)}`),
        listed: () => told.push('listed'),
        failed: () => told.push('failed'),
      },
    );
  });

  afterEach(async () => {
    await watch.stop();
    resource.server.closeAllConnections();
    resource.server.close();
  });

  it('is listed, then followed, whatever pieces the events come in', async () => {
    resource.items = [job('a', '1')];
    watch.start();
    const stream = await resource.open();
    expect(told).toEqual(['changed a', 'listed']);
    const text = line('ADDED', job('é', '2')) + line('MODIFIED', job('a', '1')) + line('DELETED', job('a', '3'));
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += 7) stream.write(bytes.subarray(at, at + 7));
    await until(() => told.length === 4);
    expect(told.slice(2)).toEqual(['changed é', 'removed a']);
    const [known] = watch.objects();
    expect(known).toMatchObject({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'é' } });
    expect(known!['metadata']).not.toHaveProperty('managedFields');
  });

  it('is followed on from the last bookmark when its connection ends', async () => {
    watch.start();
    const stream = await resource.open();
    stream.end(line('BOOKMARK', { kind: 'Job', metadata: { resourceVersion: '40' } }));
    await until(() => resource.asked.length === 3);
    expect(resource.asked).toEqual(['list', 'watch from 1', 'watch from 40']);
    expect(told).toEqual(['listed']);
  });

  it('is listed anew when its version is too old, and what went meanwhile is told', async () => {
    resource.items = [job('a', '1'), job('b', '1')];
    watch.start();
    const stream = await resource.open();
    Object.assign(resource, { items: [job('b', '1'), job('c', '7')], version: '9' });
    stream.end(line('ERROR', { kind: 'Status', code: 410, message: 'too old resource version' }));
    await until(() => resource.asked.length === 4);
    expect(told.slice(3)).toEqual(['removed a', 'changed c', 'listed']);
    expect(resource.asked.slice(2)).toEqual(['list', 'watch from 9']);
  });

  it('is tried again when the connection breaks, from where it was', async () => {
    watch.start();
    const stream = await resource.open();
    stream.write(line('ADDED', job('a', '5')));
    await until(() => told.includes('changed a'));
    stream.destroy();
    await until(() => resource.asked.length === 3);
    expect(told).toEqual(['listed', 'changed a', 'failed']);
    expect(resource.asked[2]).toBe('watch from 5');
  });

  it('is left alone once it is stopped', async () => {
    watch.start();
    const stream = await resource.open();
    await watch.stop();
    await once(stream, 'close');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(resource.asked).toEqual(['list', 'watch from 1']);
    expect(told).toEqual(['listed']);
  });
});
