import { askedAgain } from './certificate-source.js';
import type { CertificateSource } from './certificate-source.js';
import { ROTATION_DEFAULTS, rotated, serving } from './rotation.js';
import type { KeptCertificates, RotationRules } from './rotation.js';

/** Where certificates are kept that Plimsoll makes itself: a folder of one process, or a Secret that replicas share. */
export interface CertificateStore {
  read(): Promise<KeptCertificates>;
  /** false: somebody else wrote since, and it is to be read again. */
  write(next: KeptCertificates): Promise<boolean>;
}

export interface KeptOptions extends Partial<Pick<RotationRules, 'authorityDays' | 'serverDays' | 'settleMs'>> {
  names: readonly string[];
  nowMs: () => number;
  checkMs?: number;
}

/** Whoever is slower reads what the faster one wrote; more than this many are not at it at a time. */
const TRIES = 5;
const CHECK_MS = 60_000;

/** Injection token of the CertificateStore that replicas share; null where there is none. */
export const SHARED_CERTIFICATES = Symbol('shared certificates');

/** An authority and a server certificate of our own, renewed well before they end, by whichever replica looks first. */
export function keptCertificates(store: CertificateStore, options: KeptOptions): CertificateSource {
  const { names, nowMs, checkMs = CHECK_MS, ...others } = options;
  const current = async () => {
    for (let tries = 0; tries < TRIES; tries++) {
      const kept = await store.read();
      const next = await rotated(kept, { ...ROTATION_DEFAULTS, ...others, names, nowMs: nowMs() });
      const isSame = next.authority === kept.authority && next.server === kept.server;
      if (isSame || (await store.write(next))) return serving(next, nowMs());
    }
    throw new Error('the certificates are written by others all the time');
  };
  return askedAgain(current, checkMs);
}
