import type { CertificateStore } from '../admission/tls/kept-certificates.js';
import type { KeptCertificates } from '../admission/tls/rotation.js';
import type { JsonObject } from '../workload/workload.js';
import { orNull, textOf } from './api-client.js';
import type { ApiClient } from './api-client.js';

export interface SecretName {
  namespace: string;
  name: string;
}

/** A Secret that replicas share: of the type that other tools know, with the authority's key beside. */
export function certificateSecret(api: ApiClient, { namespace, name }: SecretName): CertificateStore {
  const collection = `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets`;
  const path = `${collection}/${encodeURIComponent(name)}`;
  let read: JsonObject | null = null;
  return {
    read: async () => {
      read = await orNull(404, api.call({ method: 'GET', path }));
      return keptIn((read?.['data'] ?? {}) as JsonObject);
    },
    write: async (next) => {
      const before = (read?.['metadata'] ?? {}) as JsonObject;
      const metadata = read === null ? { name, namespace } : { ...before, managedFields: undefined };
      const body = { apiVersion: 'v1', kind: 'Secret', type: 'Opaque', ...read, metadata, data: dataOf(next) };
      const call = read === null ? ({ method: 'POST', path: collection } as const) : ({ method: 'PUT', path } as const);
      return (await orNull(409, api.call({ ...call, body }))) !== null;
    },
  };
}

function keptIn(data: JsonObject): KeptCertificates {
  const text = (key: string) => Buffer.from(textOf(data[key]), 'base64').toString('utf8');
  const pair = (certificate: string, key: string) => {
    const [certificatePem, privateKeyPem] = [text(certificate), text(key)];
    return certificatePem !== '' && privateKeyPem !== '' ? { certificatePem, privateKeyPem } : null;
  };
  return {
    authority: pair('ca.crt', 'ca.key'),
    previousAuthority: pair('ca-before.crt', 'ca-before.key'),
    server: pair('tls.crt', 'tls.key'),
  };
}

function dataOf({ authority, previousAuthority, server }: KeptCertificates): Record<string, string> {
  const texts = {
    'ca.crt': authority?.certificatePem,
    'ca.key': authority?.privateKeyPem,
    'ca-before.crt': previousAuthority?.certificatePem,
    'ca-before.key': previousAuthority?.privateKeyPem,
    'tls.crt': server?.certificatePem,
    'tls.key': server?.privateKeyPem,
  };
  return Object.fromEntries(
    Object.entries(texts).map(([key, value]) => [key, Buffer.from(value ?? '').toString('base64')]),
  );
}
