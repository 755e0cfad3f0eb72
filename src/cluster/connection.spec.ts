import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { stringify } from 'yaml';
import { connect, UnusableKubeconfig } from './connection.js';
import { podCredentials, TokenFile } from './credentials.js';
import { contextCredentials, readKubeconfig } from './kubeconfig.js';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plimsoll-kubeconfig-'));
  file = join(folder, 'config');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function written(user: object): string {
  const config = {
    'current-context': 'one',
    contexts: [
      { name: 'one', context: { cluster: 'c', user: 'u' } },
      { name: 'astray', context: { cluster: 'elsewhere', user: 'u' } },
    ],
    clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:6443/' } }],
    users: [{ name: 'u', user }],
  };
  writeFileSync(file, stringify(config));
  return file;
}

async function headersOf(user: object): Promise<unknown> {
  const config = readKubeconfig(written(user));
  const context = config.contexts[0]!;
  return (await contextCredentials(config, context, context.cluster!).forRequest()).headers;
}

describe('a kubeconfig', () => {
  it('leads to the cluster of its current context', () => {
    expect(connect(written({ token: 't' }), null).server).toBe('https://127.0.0.1:6443');
  });

  it.each([
    ['token', { token: 'secret' }, { authorization: 'Bearer secret' }],
    ['name and password', { username: 'a', password: 'b' }, { authorization: 'Basic YTpi' }],
    ['nothing', {}, undefined],
  ])('says who asks: by %s', async (_, user, headers) => {
    expect(await headersOf(user)).toEqual(headers);
  });

  it('names a token file beside it, which goes before a token', async () => {
    writeFileSync(join(folder, 'token'), 'from-file\n');
    expect(await headersOf({ tokenFile: 'token', token: 'other' })).toEqual({ authorization: 'Bearer from-file' });
  });

  it('has the Kubernetes client run the program that gives a token', async () => {
    const program = join(folder, 'give-token');
    const credential = {
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: { token: 'run' },
    };
    writeFileSync(program, `#!/bin/sh\necho '${JSON.stringify(credential)}'\n`, { mode: 0o755 });
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: program, interactiveMode: 'Never' };
    expect(await headersOf({ exec })).toEqual({ Authorization: 'Bearer run' });
  });

  it.each([
    ['is not there', () => join(folder, 'none'), null, 'cannot be read as a kubeconfig'],
    ['is no object', () => (writeFileSync(file, '- 1'), file), null, 'cannot be read as a kubeconfig'],
    ['has not the context', () => written({}), 'other', 'has no context "other"; it has one, astray'],
    ['has not the cluster', () => written({}), 'astray', 'its context "astray" names no cluster'],
    ['names a file that is not there', () => written({ 'client-key': 'gone.pem' }), null, 'cannot be read'],
  ])('is refused in plain words where it %s', (_, path, context, words) => {
    expect(() => connect(path(), context)).toThrow(UnusableKubeconfig);
    expect(() => connect(path(), context)).toThrow(words);
  });
});

describe('the service account of a pod', () => {
  it('asks the API server that the kubelet names, IPv6 as well', async () => {
    writeFileSync(join(folder, 'ca.crt'), '');
    writeFileSync(join(folder, 'token'), 'mounted');
    const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
    const credentials = podCredentials(folder, env);
    expect(credentials.server).toBe('https://[fd00::1]:443');
    expect((await credentials.forRequest()).headers).toEqual({ authorization: 'Bearer mounted' });
  });

  it('shows the new token within a minute of its exchange', () => {
    let nowMs = 0;
    writeFileSync(join(folder, 'token'), 'first');
    const token = new TokenFile(join(folder, 'token'), () => nowMs);
    expect(token.current()).toBe('first');
    writeFileSync(join(folder, 'token'), 'second');
    nowMs = 59_000;
    expect(token.current()).toBe('first');
    nowMs = 60_000;
    expect(token.current()).toBe('second');
  });
});
