import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KeyPair } from './authority.js';
import { UnusableCertificate } from './certificate-source.js';
import type { CertificateSource } from './certificate-source.js';
import { keptCertificates } from './kept-certificates.js';
import type { CertificateStore, KeptOptions } from './kept-certificates.js';

export interface SelfMadeOptions extends KeptOptions {
  /** Kept here between starts: an authority that the API server trusts already must not change. */
  folder: string;
}

/** An authority and a server certificate of our own, in a folder. */
export function selfMadeCertificates({ folder, ...options }: SelfMadeOptions): CertificateSource {
  return keptCertificates(folderStore(folder), options);
}

function folderStore(folder: string): CertificateStore {
  return {
    read: () =>
      within(folder, async () => ({
        authority: await readPair(folder, 'ca'),
        previousAuthority: await readPair(folder, 'ca-before'),
        server: await readPair(folder, 'server'),
      })),
    write: ({ authority, previousAuthority, server }) =>
      within(folder, async () => {
        if (previousAuthority !== null) await writePair(folder, 'ca-before', previousAuthority);
        if (authority !== null) await writePair(folder, 'ca', authority);
        if (server !== null) await writePair(folder, 'server', server);
        return true;
      }),
  };
}

async function within<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return await work();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new UnusableCertificate(
      `${folder}: the webhook's certificate cannot be kept there (${message}). Make the folder writable, or set PLIMSOLL_DATA_DIR to another one.`,
    );
  }
}

async function writePair(folder: string, name: string, { certificatePem, privateKeyPem }: KeyPair): Promise<void> {
  await writeWhole(join(folder, `${name}.key`), privateKeyPem, 0o600);
  await writeWhole(join(folder, `${name}.crt`), certificatePem, 0o644);
}

async function readPair(folder: string, name: string): Promise<KeyPair | null> {
  const [certificatePem, privateKeyPem] = await Promise.all(
    ['crt', 'key'].map((ending) => readText(join(folder, `${name}.${ending}`))),
  );
  return certificatePem && privateKeyPem ? { certificatePem, privateKeyPem } : null;
}

async function readText(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Readers see the file before or after, never half of it. */
async function writeWhole(path: string, text: string, mode: number): Promise<void> {
  const draft = `${path}.${process.pid}.new`;
  await writeFile(draft, text, { mode });
  await chmod(draft, mode);
  await rename(draft, path);
}
