import { Logger } from '@nestjs/common';
import type { AdmissionServer } from '../../src/admission/https/admission-server.js';
import type { Cluster } from '../../src/cluster/cluster.js';
import { mutatingPath } from '../../src/cluster/webhook-configurations.js';
import type { Leadership } from '../../src/watch/leadership.js';
import { WebhookRegistrar } from '../../src/watch/webhook-registrar.js';
import type { JsonObject } from '../../src/workload/workload.js';

/** The mutating webhook as the service would register it by itself, its rules and conditions among the rest. */
export async function registeredWebhook(): Promise<JsonObject> {
  const applied = new Map<string, JsonObject>();
  const cluster = { server: '', apply: (path: string, object: JsonObject) => void applied.set(path, object) };
  const server = { onAuthority: (listener: (pem: string) => void) => listener('') };
  Logger.overrideLogger(false);
  new WebhookRegistrar(
    { webhookUrl: 'https://webhook', webhookFailurePolicy: 'Ignore', webhookConfiguration: null },
    cluster as unknown as Cluster,
    server as unknown as AdmissionServer,
    { isLeader: true, onChange: () => undefined } as unknown as Leadership,
  );
  await new Promise((done) => setImmediate(done));
  const [webhook] = (applied.get(mutatingPath('plimsoll'))?.['webhooks'] ?? []) as JsonObject[];
  if (webhook === undefined) throw new Error('the service registers no mutating webhook');
  return webhook;
}
