import { beforeEach, describe, expect, it } from '@jest/globals';
import { X509Certificate } from 'node:crypto';
import { DAY_MS } from './authority.js';
import type { ServingCertificate } from './certificate-source.js';
import { keptCertificates } from './kept-certificates.js';
import type { CertificateStore } from './kept-certificates.js';
import type { KeptCertificates } from './rotation.js';

const NAMES = ['plimsoll-webhook.gpu-tools.svc'];
const NOTHING: KeptCertificates = { authority: null, previousAuthority: null, server: null };

/** A Secret that replicas share: a write over what somebody else wrote meanwhile is refused. */
class Shared {
  kept = NOTHING;
  version = 0;
  writes = 0;

  store(): CertificateStore {
    let seen = -1;
    return {
      read: () => {
        seen = this.version;
        return Promise.resolve(this.kept);
      },
      write: (next) => {
        if (seen !== this.version) return Promise.resolve(false);
        this.version += 1;
        this.writes += 1;
        this.kept = next;
        return Promise.resolve(true);
      },
    };
  }
}

let shared: Shared;
let nowMs: number;

beforeEach(() => {
  shared = new Shared();
  nowMs = Date.parse('2026-01-01T00:00:00Z');
});

const replica = () =>
  keptCertificates(shared.store(), { names: NAMES, nowMs: () => nowMs, serverDays: 10, authorityDays: 40 });

function signedBy({ certificatePem }: ServingCertificate, bundlePem: string): boolean {
  const certificate = new X509Certificate(certificatePem);
  const authorities = bundlePem.split(/(?=-----BEGIN)/).map((pem) => new X509Certificate(pem));
  return authorities.some((authority) => certificate.verify(authority.publicKey));
}

describe('certificates that replicas share', () => {
  it('are made once, however many replicas start at a time', async () => {
    const shown = await Promise.all(Array.from({ length: 5 }, () => replica().load()));
    expect(new Set(shown.map(({ certificatePem }) => certificatePem)).size).toBe(1);
    expect(shared.writes).toBe(1);
  });

  it('are renewed with a quarter of their life left, by the same authority', async () => {
    const before = await replica().load();
    nowMs += 7 * DAY_MS;
    expect((await replica().load()).certificatePem).toBe(before.certificatePem);
    nowMs += DAY_MS;
    const after = await replica().load();
    expect(after.certificatePem).not.toBe(before.certificatePem);
    expect(after.authorityPem).toBe(before.authorityPem);
  });

  it('are trusted by every bundle that may be in force, also while the authority is renewed', async () => {
    const source = replica();
    let bundle = (await source.load()).authorityPem;
    let authorities = 0;
    for (let hour = 0; hour < 24 * 90; hour++) {
      nowMs += 3_600_000;
      const shown = await source.load();
      // The API server still has the bundle of an hour ago.
      expect(signedBy(shown, bundle)).toBe(true);
      expect(Date.parse(new X509Certificate(shown.certificatePem).validTo) - nowMs).toBeGreaterThan(2 * DAY_MS);
      if (shown.authorityPem !== bundle) authorities += 1;
      bundle = shown.authorityPem;
    }
    expect(authorities).toBeGreaterThanOrEqual(2);
  }, 60_000);

  it('are made anew where they have ended, or where what is kept is damaged', async () => {
    const before = await replica().load();
    nowMs += 400 * DAY_MS;
    const after = await replica().load();
    expect(Date.parse(new X509Certificate(after.certificatePem).validTo)).toBeGreaterThan(nowMs);
    shared.kept = { ...shared.kept, server: { certificatePem: 'none', privateKeyPem: 'none' } };
    expect((await replica().load()).certificatePem).not.toBe(before.certificatePem);
  });

  it('are made anew where the clock is set to before they were made', async () => {
    await replica().load();
    nowMs -= 30 * DAY_MS;
    const { certificatePem } = await replica().load();
    expect(Date.parse(new X509Certificate(certificatePem).validFrom)).toBeLessThanOrEqual(nowMs);
  });
});
