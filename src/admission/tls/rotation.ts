import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { CLOCK_SKEW_MS, createAuthority, issueServerCertificate } from './authority.js';
import type { KeyPair } from './authority.js';
import type { ServingCertificate } from './certificate-source.js';
import { belongTogether } from './file-certificates.js';

/** What is kept of certificates that Plimsoll makes itself, by whoever keeps them. */
export interface KeptCertificates {
  authority: KeyPair | null;
  /** The authority before: still trusted, and still signing until the new one is known everywhere. */
  previousAuthority: KeyPair | null;
  server: KeyPair | null;
}

export interface RotationRules {
  names: readonly string[];
  nowMs: number;
  authorityDays: number;
  serverDays: number;
  /** How long a new authority is told before anything that it signed is shown: the API server has to learn of it. */
  settleMs: number;
}

export const ROTATION_DEFAULTS = { authorityDays: 3650, serverDays: 365, settleMs: 3_600_000 } as const;

/** A certificate is renewed when this share of its life is left: 90 days of a year. */
const RENEW_SHARE = 90 / 365;

/** The certificates to keep from now on; the same objects where nothing is to be renewed. */
export async function rotated(kept: KeptCertificates, rules: RotationRules): Promise<KeptCertificates & Made> {
  const authority = await currentAuthority(kept, rules);
  const previousAuthority = authority === kept.authority ? kept.previousAuthority : kept.authority;
  const issuer = issuerOf(authority, previousAuthority, rules);
  return { authority, previousAuthority, server: await currentServer(kept.server, issuer, rules) };
}

interface Made {
  authority: KeyPair;
  server: KeyPair;
}

/** What to show, and what must be trusted: the authority, and the one before while it is valid. */
export function serving(kept: KeptCertificates & Made, nowMs: number): ServingCertificate {
  const { authority, previousAuthority, server } = kept;
  const trusted = [authority, ...(isValid(previousAuthority, nowMs) ? [previousAuthority] : [])];
  return { ...server, authorityPem: trusted.map(({ certificatePem }) => `${certificatePem.trimEnd()}\n`).join('') };
}

async function currentAuthority({ authority }: KeptCertificates, rules: RotationRules): Promise<KeyPair> {
  if (authority !== null && isUsable(authority, rules.nowMs)) return authority;
  return createAuthority({ fromMs: rules.nowMs, days: rules.authorityDays });
}

/** By whom the server's certificate is to be signed: by the authority before until the new one is known. */
function issuerOf(authority: KeyPair, previous: KeyPair | null, { nowMs, settleMs }: RotationRules): KeyPair {
  const bornMs = Date.parse(new X509Certificate(authority.certificatePem).validFrom) + CLOCK_SKEW_MS;
  const isSettled = nowMs - bornMs > settleMs;
  return isSettled || !isValid(previous, nowMs) ? authority : previous;
}

async function currentServer(
  server: KeyPair | null,
  issuer: KeyPair,
  { names, nowMs, serverDays }: RotationRules,
): Promise<KeyPair> {
  const isKept =
    server !== null && isUsable(server, nowMs) && isSignedBy(server, issuer.certificatePem) && isFor(server, names);
  return isKept ? server : issueServerCertificate(issuer, names, { fromMs: nowMs, days: serverDays });
}

function isValid(pair: KeyPair | null, nowMs: number): pair is KeyPair {
  if (pair === null || !belongTogether(pair.certificatePem, pair.privateKeyPem)) return false;
  return Date.parse(new X509Certificate(pair.certificatePem).validTo) > nowMs;
}

/** Whole, of this time by the clock here, and with more of its life left than it is renewed with. */
function isUsable({ certificatePem, privateKeyPem }: KeyPair, nowMs: number): boolean {
  if (!belongTogether(certificatePem, privateKeyPem)) return false;
  const { validFrom, validTo } = new X509Certificate(certificatePem);
  const [fromMs, toMs] = [Date.parse(validFrom), Date.parse(validTo)];
  return fromMs <= nowMs && toMs - nowMs > (toMs - fromMs) * RENEW_SHARE;
}

function isSignedBy(pair: KeyPair, issuerPem: string): boolean {
  return new X509Certificate(pair.certificatePem).verify(new X509Certificate(issuerPem).publicKey);
}

function isFor({ certificatePem }: KeyPair, names: readonly string[]): boolean {
  const certificate = new X509Certificate(certificatePem);
  return names.every((name) => (isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)) !== undefined);
}
