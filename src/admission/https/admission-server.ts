import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { setTimeout as pause } from 'node:timers/promises';
import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { listeningProblem } from '../../config/cannot-listen.js';
import { SETTINGS } from '../../config/settings.module.js';
import type { SettingValues } from '../../config/settings.js';
import { Readiness } from '../../telemetry/readiness.js';
import { CERTIFICATES, UnusableCertificate } from '../tls/certificate-source.js';
import type { CertificateSource, ServingCertificate } from '../tls/certificate-source.js';
import { WebhookEndpoint } from './webhook-endpoint.js';

/** The API server's client keeps connections for 90 s (client-go's IdleConnTimeout): it must be the one to close. */
const KEEP_ALIVE_MS = 120_000;
/** No review lasts longer than the API server waits, 30 s; whoever sends slower only holds memory. */
const HEADERS_MS = 10_000;
const REQUEST_MS = 30_000;

type Settings = Pick<SettingValues, 'webhookHost' | 'webhookPort' | 'drainMs' | 'webhookClientCaFile'>;

/** The webhook's own HTTPS server: starts with the application, drains before it ends. */
@Injectable()
export class AdmissionServer implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #logger = new Logger('Webhook');
  #server: Server | null = null;
  #authorityPem = '';
  #clientCa: string | undefined;
  readonly #listeners: ((authorityPem: string) => void)[] = [];
  #stopWatching: () => void = () => undefined;

  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(CERTIFICATES) private readonly certificates: CertificateSource,
    private readonly endpoint: WebhookEndpoint,
    private readonly readiness: Readiness,
  ) {}

  /** What the API server must trust, as PEM. */
  get authorityPem(): string {
    return this.#authorityPem;
  }

  /** Calls back with the authority as soon as it is known, and with every later one. */
  onAuthority(listener: (authorityPem: string) => void): void {
    this.#listeners.push(listener);
    if (this.#authorityPem !== '') listener(this.#authorityPem);
  }

  /** The port that is listened on; null before the start. */
  get port(): number | null {
    return (this.#server?.address() as AddressInfo | null | undefined)?.port ?? null;
  }

  /** How long it waits for others, in milliseconds. */
  get limits(): Pick<Server, 'headersTimeout' | 'requestTimeout' | 'keepAliveTimeout'> | null {
    return this.#server;
  }

  async onApplicationBootstrap(): Promise<void> {
    this.#clientCa = await readClientCa(this.settings.webhookClientCaFile);
    // Probes show no certificate: whether one is needed is decided by what is asked for.
    const asking = { requestCert: this.#clientCa !== undefined, rejectUnauthorized: false };
    const server = createServer({ ...this.#secure(await this.certificates.load()), ...asking }, this.endpoint.handle);
    server.keepAliveTimeout = KEEP_ALIVE_MS;
    server.headersTimeout = HEADERS_MS;
    server.requestTimeout = REQUEST_MS;
    await this.#listen(server);
    this.#server = server;
    this.#stopWatching = this.certificates.watch(
      (certificate) => this.#exchange(certificate),
      (error) => this.#logger.warn({ err: error }, 'the certificate could not be looked at; the one before is kept'),
    );
    this.readiness.add('webhook', () =>
      server.listening ? { status: 'up' } : { status: 'down', message: 'the webhook does not listen' },
    );
  }

  /** Readiness goes off first, so that nobody sends more; then what is under way is finished. */
  async beforeApplicationShutdown(): Promise<void> {
    this.readiness.drain();
    this.#stopWatching();
    const server = this.#server;
    if (!server) return;
    await pause(this.settings.drainMs);
    const closed = once(server, 'close');
    server.close();
    server.closeIdleConnections();
    await closed;
  }

  async #listen(server: Server): Promise<void> {
    const { webhookHost: host, webhookPort: port } = this.settings;
    server.listen(port, host);
    try {
      await once(server, 'listening');
    } catch (error) {
      const names = { portVariable: 'WEBHOOK_PORT', hostVariable: 'PLIMSOLL_WEBHOOK_HOST' };
      throw listeningProblem(error, { what: 'the webhook', host, port, ...names });
    }
  }

  /** New connections get the new certificate; those that are open go on. */
  #exchange(certificate: ServingCertificate): void {
    this.#server?.setSecureContext(this.#secure(certificate));
    this.#logger.log('the webhook shows its new certificate');
  }

  #secure({ certificatePem, privateKeyPem, authorityPem }: ServingCertificate): SecureContextOptions {
    const isNew = authorityPem !== this.#authorityPem;
    this.#authorityPem = authorityPem;
    if (isNew) for (const listener of this.#listeners) listener(authorityPem);
    const client = this.#clientCa === undefined ? {} : { ca: this.#clientCa };
    return { cert: certificatePem, key: privateKeyPem, minVersion: 'TLSv1.2', ...client };
  }
}

async function readClientCa(file: string | null): Promise<string | undefined> {
  if (file === null) return undefined;
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UnusableCertificate(
      `PLIMSOLL_WEBHOOK_CLIENT_CA_FILE: ${file} cannot be read (${code ?? 'unknown error'}): give a PEM file that is there.`,
    );
  }
}
