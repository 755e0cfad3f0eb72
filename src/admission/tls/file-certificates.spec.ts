import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority, issueServerCertificate } from './authority.js';
import type { KeyPair } from './authority.js';
import type { ServingCertificate } from './certificate-source.js';
import { fileCertificates } from './file-certificates.js';

let folder: string;
let authority: KeyPair;
const lifetime = { fromMs: Date.now(), days: 1 };
const fileOf = (name: string) => join(folder, name);
const files = () => ({ certificateFile: fileOf('tls.crt'), keyFile: fileOf('tls.key'), caFile: fileOf('ca.crt') });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plimsoll-tls-'));
  authority = await createAuthority(lifetime);
  await writeFile(fileOf('ca.crt'), authority.certificatePem);
  await place(await issue());
});
afterEach(() => rm(folder, { recursive: true }));

const issue = () => issueServerCertificate(authority, ['localhost'], lifetime);
async function place(pair: KeyPair): Promise<void> {
  await writeFile(fileOf('tls.key'), pair.privateKeyPem);
  await writeFile(fileOf('tls.crt'), pair.certificatePem);
}

describe('a certificate in files', () => {
  it('is read with its authority', async () => {
    const certificate = await fileCertificates(files()).load();
    expect(certificate.authorityPem).toBe(authority.certificatePem);
    expect(certificate.certificatePem).toContain('BEGIN CERTIFICATE');
  });

  it('is its own authority where none is given', async () => {
    const certificate = await fileCertificates({ ...files(), caFile: null }).load();
    expect(certificate.authorityPem).toBe(certificate.certificatePem);
  });

  it('is taken over when the files change', async () => {
    const source = fileCertificates(files(), 10);
    await source.load();
    const next = await issue();
    const changed = new Promise<ServingCertificate>((resolve) => {
      const stop = source.watch(
        (certificate) => {
          stop();
          resolve(certificate);
        },
        () => undefined, // between the two writes key and certificate do not match; the next look finds both
      );
    });
    await place(next);
    expect((await changed).certificatePem).toBe(next.certificatePem);
  });

  it('is refused with a key of another', async () => {
    await writeFile(fileOf('tls.key'), (await issue()).privateKeyPem);
    await expect(fileCertificates(files()).load()).rejects.toThrow(/tls\.key is not the private key/);
  });

  it('is refused by name where a file is missing', async () => {
    await rm(fileOf('tls.key'));
    await expect(fileCertificates(files()).load()).rejects.toThrow(/tls\.key cannot be read \(ENOENT\)/);
  });
});
