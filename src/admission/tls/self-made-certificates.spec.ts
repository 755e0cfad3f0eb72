import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { X509Certificate } from 'node:crypto';
import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DAY_MS } from './authority.js';
import type { ServingCertificate } from './certificate-source.js';
import { selfMadeCertificates } from './self-made-certificates.js';

let folder: string;
let nowMs: number;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plimsoll-tls-'));
  nowMs = Date.now();
});
afterEach(async () => {
  await chmod(folder, 0o700);
  await rm(folder, { recursive: true });
});

const made = (names = ['localhost', '127.0.0.1', '::1']): Promise<ServingCertificate> =>
  selfMadeCertificates({ folder, names, nowMs: () => nowMs }).load();

describe('a self-made certificate', () => {
  it('is valid for its names and signed by its authority', async () => {
    const { certificatePem, authorityPem } = await made(['plimsoll.gpu-ops.svc', '127.0.0.1', '::1']);
    const certificate = new X509Certificate(certificatePem);
    const authority = new X509Certificate(authorityPem);
    expect(certificate.checkHost('plimsoll.gpu-ops.svc')).toBe('plimsoll.gpu-ops.svc');
    expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(certificate.checkIP('::1')).toBe('::1');
    expect(certificate.checkIssued(authority) && certificate.verify(authority.publicKey)).toBe(true);
    expect([certificate.ca, authority.ca]).toEqual([false, true]);
  });

  it('is the same after a restart', async () => {
    expect(await made()).toEqual(await made());
  });

  it('keeps its key from others', async () => {
    await made();
    expect((await stat(join(folder, 'server.key'))).mode & 0o077).toBe(0);
    expect((await stat(join(folder, 'ca.key'))).mode & 0o077).toBe(0);
  });

  it('is made anew for other names, by the same authority', async () => {
    const before = await made();
    const after = await made(['plimsoll.example.com']);
    expect(after.certificatePem).not.toBe(before.certificatePem);
    expect(after.authorityPem).toBe(before.authorityPem);
  });

  it('is renewed 90 days before it ends, by the same authority', async () => {
    const before = await made();
    nowMs += (365 - 91) * DAY_MS;
    expect((await made()).certificatePem).toBe(before.certificatePem);
    nowMs += 2 * DAY_MS;
    const after = await made();
    expect(after.certificatePem).not.toBe(before.certificatePem);
    expect(after.authorityPem).toBe(before.authorityPem);
  });

  it('tells those who watch when it is renewed', async () => {
    const source = selfMadeCertificates({ folder, names: ['localhost'], nowMs: () => nowMs, checkMs: 5 });
    const before = await source.load();
    const renewed = new Promise<ServingCertificate>((resolve, reject) => {
      const stop = source.watch((certificate) => {
        stop();
        resolve(certificate);
      }, reject);
      setTimeout(() => (nowMs += 300 * DAY_MS), 50);
    });
    expect((await renewed).certificatePem).not.toBe(before.certificatePem);
  });

  it('is made anew where the files are damaged', async () => {
    const before = await made();
    await writeFile(join(folder, 'server.crt'), 'not a certificate');
    expect((await made()).certificatePem).not.toBe(before.certificatePem);
  });

  it('names the folder where it cannot be kept', async () => {
    const file = join(folder, 'taken');
    await writeFile(file, '');
    const source = selfMadeCertificates({ folder: file, names: ['localhost'], nowMs: () => nowMs });
    await expect(source.load()).rejects.toThrow(
      /taken: the webhook's certificate cannot be kept there.*PLIMSOLL_DATA_DIR/,
    );
  });
});
