import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AdmissionServer } from './admission/https/admission-server.js';
import { UnusableCertificate } from './admission/tls/certificate-source.js';
import { createApplication } from './application.js';
import { CliError } from './cli/cli-error.js';
import { UnusableKubeconfig } from './cluster/connection.js';
import { CannotListen, listeningProblem } from './config/cannot-listen.js';
import { readSettings, UnusableSettings } from './config/read-settings.js';
import type { SettingValues } from './config/settings.js';
import { UnreadableInventory } from './inventory/inventory-document.js';
import { PostgresProblem } from './store/postgres-problem.js';
import { Readiness } from './telemetry/readiness.js';
import { tryOut } from './try-out.js';

/** Errors that a person can mend: told in their own words, without a stack. */
const TELLABLE = [
  UnusableSettings,
  UnusableKubeconfig,
  UnusableCertificate,
  CannotListen,
  PostgresProblem,
  UnreadableInventory,
  CliError,
] as const;

/**
 * Runs the service with the settings of the environment until it is told to stop. What keeps it from starting is told
 * on standard error, and the process's exit status is then 1.
 */
export async function serve(environment: Readonly<Record<string, string | undefined>>): Promise<void> {
  let app: NestExpressApplication | null = null;
  try {
    const settings = readSettings(environment);
    app = await createApplication(settings);
    await listen(app, settings);
    if (settings.exampleManifests !== null) await tryOut(app, settings.exampleManifests);
  } catch (error) {
    if (app?.get(Readiness).draining) return; // told to stop while it was busy
    console.error(TELLABLE.some((kind) => error instanceof kind) ? told(error as Error) : error);
    await app?.close().catch(() => undefined);
    process.exit(1);
  }
}

async function listen(app: NestExpressApplication, settings: SettingValues): Promise<void> {
  const { host, port } = settings;
  try {
    await app.listen(port, host);
  } catch (error) {
    const names = { portVariable: 'PORT', hostVariable: 'PLIMSOLL_HOST' };
    throw listeningProblem(error, { what: 'the REST API', host, port, ...names });
  }
  const rest = `http://${inUrl(host)}:${(app.getHttpServer() as { address(): AddressInfo }).address().port}`;
  const webhook = `https://${inUrl(settings.webhookHost)}:${app.get(AdmissionServer).port}`;
  console.error(
    `plimsoll: REST at ${rest}/v1 (described at ${rest}/openapi.json), webhook at ${webhook}; Ctrl-C ends it`,
  );
}

const inUrl = (host: string) => (host.includes(':') ? `[${host}]` : host);

const told = ({ message }: Error) =>
  message
    .split('\n')
    .map((line) => `plimsoll: ${line}`)
    .join('\n');
