import { readFileSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import type { Json, JsonObject } from '../workload/workload.js';
import { agentFor, TokenFile } from './credentials.js';
import type { Credentials } from './credentials.js';

/** A context of a kubeconfig with the cluster and the user that it names. */
export interface NamedContext {
  name: string;
  /** null: none is there by that name. */
  cluster: JsonObject | null;
  user: JsonObject;
}

/** A kubeconfig as it was read. */
export interface Kubeconfig {
  file: string;
  currentContext: string;
  contexts: readonly NamedContext[];
}

/** Reads a kubeconfig file. Throws where it cannot be read or is none. */
export function readKubeconfig(file: string): Kubeconfig {
  const config = objectIn(parse(readFileSync(file, 'utf8')) as Json);
  if (config === null) throw new Error('it holds no object');
  const clusters = namedIn(config['clusters'], 'cluster');
  const users = namedIn(config['users'], 'user');
  const contexts = [...namedIn(config['contexts'], 'context')].map(([name, context]) => ({
    name,
    cluster: clusters.get(textIn(context, 'cluster')) ?? null,
    user: users.get(textIn(context, 'user')) ?? {},
  }));
  return { file, currentContext: textIn(config, 'current-context'), contexts };
}

/** What only the Kubernetes client knows how to do: programs that give tokens, cloud providers' log-ins, proxies. */
const BY_THE_CLIENT = { user: ['exec', 'auth-provider'], cluster: ['proxy-url'] } as const;

/** The credentials of a context; `cluster` is the one that it names. Throws where a file that it names cannot be read. */
export function contextCredentials({ file }: Kubeconfig, context: NamedContext, cluster: JsonObject): Credentials {
  const { user, name } = context;
  const server = textIn(cluster, 'server').replace(/\/+$/, '');
  const isTheClients = [
    ...BY_THE_CLIENT.user.map((key) => user[key]),
    ...BY_THE_CLIENT.cluster.map((key) => cluster[key]),
  ].some((value) => value !== undefined && value !== null);
  return isTheClients
    ? clientCredentials({ file, context: name, server })
    : plainCredentials({ file, user, cluster, server });
}

interface Plain {
  file: string;
  user: JsonObject;
  cluster: JsonObject;
  server: string;
}

function plainCredentials({ file, user, cluster, server }: Plain): Credentials {
  const folder = dirname(file);
  const agent = agentFor(server, {
    ca: dataOrFile(cluster, 'certificate-authority', folder),
    cert: dataOrFile(user, 'client-certificate', folder),
    key: dataOrFile(user, 'client-key', folder),
    ...(cluster['insecure-skip-tls-verify'] === true && { rejectUnauthorized: false }),
    ...(textIn(cluster, 'tls-server-name') !== '' && { servername: textIn(cluster, 'tls-server-name') }),
  });
  const authorization = authorizationOf(user, folder);
  return {
    server,
    forRequest: () => {
      const value = authorization();
      return Promise.resolve({ agent, ...(value !== null && { headers: { authorization: value } }) });
    },
  };
}

/** A file goes before a token, and a token before a password. */
function authorizationOf(user: JsonObject, folder: string): () => string | null {
  const path = textIn(user, 'tokenFile');
  if (path !== '') {
    const token = new TokenFile(resolve(folder, path));
    return () => `Bearer ${token.current()}`;
  }
  const [token, username] = [textIn(user, 'token'), textIn(user, 'username')];
  if (token !== '') return () => `Bearer ${token}`;
  if (username === '') return () => null;
  const basic = Buffer.from(`${username}:${textIn(user, 'password')}`).toString('base64');
  return () => `Basic ${basic}`;
}

/** Data in the kubeconfig itself, in base64, goes before a file. */
function dataOrFile(holder: JsonObject, key: string, folder: string): Buffer | undefined {
  const data = textIn(holder, `${key}-data`);
  if (data !== '') return Buffer.from(data, 'base64');
  const path = textIn(holder, key);
  return path === '' ? undefined : readFileSync(resolve(folder, path));
}

/** The Kubernetes client takes tens of megabytes: it is only loaded by those whose kubeconfig needs it. */
function clientCredentials({ file, context, server }: { file: string; context: string; server: string }): Credentials {
  const loaded = async () => {
    const { KubeConfig } = await import('@kubernetes/client-node');
    const config = new KubeConfig();
    config.loadFromFile(file);
    config.setCurrentContext(context);
    return config;
  };
  let config: ReturnType<typeof loaded> | null = null;
  return {
    server,
    forRequest: async () => {
      config ??= loaded();
      const options: RequestOptions = {};
      await (await config).applyToHTTPSOptions(options);
      return options;
    },
  };
}

function namedIn(list: Json | undefined, key: string): Map<string, JsonObject> {
  const entries = Array.isArray(list) ? list.map(objectIn) : [];
  return new Map(
    entries.flatMap((entry) => (entry === null ? [] : [[textIn(entry, 'name'), objectIn(entry[key]) ?? {}] as const])),
  );
}

function objectIn(value: Json | undefined): JsonObject | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
}

function textIn(object: JsonObject, key: string): string {
  const value = object[key];
  return typeof value === 'string' ? value : '';
}
