import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AdmissionServer } from './admission/https/admission-server.js';
import { UnusableCertificate } from './admission/tls/certificate-source.js';
import { createApplication } from './application.js';
import { UnusableKubeconfig } from './cluster/connection.js';
import { tryOut } from './try-out.js';
import { CannotListen, listeningProblem } from './config/cannot-listen.js';
import { readSettings, UnusableSettings } from './config/read-settings.js';
import type { SettingValues } from './config/settings.js';

/** Errors that a person can mend: told in their own words, without a stack. */
const TELLABLE = [UnusableSettings, UnusableKubeconfig, UnusableCertificate, CannotListen] as const;

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
    console.error(TELLABLE.some((kind) => error instanceof kind) ? told(error as Error) : error);
    process.exitCode = 1;
    await app?.close().catch(() => undefined);
    process.exit();
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
  const actual = (app.getHttpServer() as { address(): AddressInfo }).address().port;
  const webhook = app.get(AdmissionServer).port;
  console.error(
    `REST at http://${inUrl(host)}:${actual}/v1, webhook at https://${inUrl(settings.webhookHost)}:${webhook}`,
  );
}

const inUrl = (host: string) => (host.includes(':') ? `[${host}]` : host);

const told = ({ message }: Error) =>
  message
    .split('\n')
    .map((line) => `plimsoll: ${line}`)
    .join('\n');
