import { X509Certificate } from 'node:crypto';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { createAuthority, DAY_MS, issueServerCertificate } from './authority.js';
import type { KeyPair } from './authority.js';
import { askedAgain, UnusableCertificate } from './certificate-source.js';
import type { CertificateSource, ServingCertificate } from './certificate-source.js';
import { belongTogether } from './file-certificates.js';

const AUTHORITY_DAYS = 3650;
const SERVER_DAYS = 365;
/** A certificate is renewed this long before it ends. */
const RENEW_MS = 90 * DAY_MS;
const CHECK_MS = 12 * 3_600_000;

export interface SelfMadeOptions {
  /** Kept here between starts: an authority that the API server trusts already must not change. */
  folder: string;
  names: readonly string[];
  nowMs: () => number;
  checkMs?: number;
}

/** An authority and a server certificate of our own, made once, renewed well before they end. */
export function selfMadeCertificates(options: SelfMadeOptions): CertificateSource {
  return askedAgain(() => current(options), options.checkMs ?? CHECK_MS);
}

async function current(options: SelfMadeOptions): Promise<ServingCertificate> {
  const { folder, names, nowMs } = options;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const authority = await keptOrMade(folder, 'ca', {
      keep: (pair) => isUsable(pair, nowMs()),
      make: () => createAuthority({ fromMs: nowMs(), days: AUTHORITY_DAYS }),
    });
    const server = await keptOrMade(folder, 'server', {
      keep: (pair) => isUsable(pair, nowMs()) && isSignedBy(pair, authority) && isFor(pair, names),
      make: () => issueServerCertificate(authority, names, { fromMs: nowMs(), days: SERVER_DAYS }),
    });
    return { ...server, authorityPem: authority.certificatePem };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new UnusableCertificate(
      `${folder}: the webhook's certificate cannot be kept there (${message}). Make the folder writable, or set PLIMSOLL_DATA_DIR to another one.`,
    );
  }
}

interface Keeping {
  keep: (pair: KeyPair) => boolean;
  make: () => Promise<KeyPair>;
}

async function keptOrMade(folder: string, name: string, { keep, make }: Keeping): Promise<KeyPair> {
  const kept = await readPair(folder, name);
  if (kept && keep(kept)) return kept;
  const made = await make();
  await writeWhole(join(folder, `${name}.key`), made.privateKeyPem, 0o600);
  await writeWhole(join(folder, `${name}.crt`), made.certificatePem, 0o644);
  return made;
}

async function readPair(folder: string, name: string): Promise<KeyPair | null> {
  const [certificatePem, privateKeyPem] = await Promise.all(
    ['crt', 'key'].map((ending) => readFile(join(folder, `${name}.${ending}`), 'utf8').catch(absent)),
  );
  return certificatePem && privateKeyPem ? { certificatePem, privateKeyPem } : null;
}

function absent(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}

/** Readers see the file before or after, never half of it. */
async function writeWhole(path: string, text: string, mode: number): Promise<void> {
  const draft = `${path}.${process.pid}.new`;
  await writeFile(draft, text, { mode });
  await chmod(draft, mode);
  await rename(draft, path);
}

function isUsable({ certificatePem, privateKeyPem }: KeyPair, nowMs: number): boolean {
  if (!belongTogether(certificatePem, privateKeyPem)) return false;
  return Date.parse(new X509Certificate(certificatePem).validTo) - nowMs > RENEW_MS;
}

function isSignedBy(pair: KeyPair, authority: KeyPair): boolean {
  return new X509Certificate(pair.certificatePem).verify(new X509Certificate(authority.certificatePem).publicKey);
}

function isFor({ certificatePem }: KeyPair, names: readonly string[]): boolean {
  const certificate = new X509Certificate(certificatePem);
  return names.every((name) => (isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)) !== undefined);
}
