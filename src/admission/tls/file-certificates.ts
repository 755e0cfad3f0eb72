import { X509Certificate, createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { askedAgain, UnusableCertificate } from './certificate-source.js';
import type { CertificateSource, ServingCertificate } from './certificate-source.js';

/** Files of a mounted Secret are exchanged by a change of links, which file watchers miss: they are read again instead. */
const READ_AGAIN_MS = 10_000;

export interface CertificateFiles {
  certificateFile: string;
  keyFile: string;
  /** null: the certificate is its own authority. */
  caFile: string | null;
}

/** A certificate that others keep: cert-manager, a Secret, files on disk. Taken over when it changes. */
export function fileCertificates(files: CertificateFiles, readAgainMs = READ_AGAIN_MS): CertificateSource {
  return askedAgain(() => readFiles(files), readAgainMs);
}

async function readFiles({ certificateFile, keyFile, caFile }: CertificateFiles): Promise<ServingCertificate> {
  const [certificatePem, privateKeyPem] = await Promise.all([read(certificateFile), read(keyFile)]);
  const authorityPem = caFile === null ? certificatePem : await read(caFile);
  if (!belongTogether(certificatePem, privateKeyPem)) {
    throw new UnusableCertificate(
      `${keyFile} is not the private key of the certificate in ${certificateFile}: give both as PEM, one made for the other.`,
    );
  }
  return { certificatePem, privateKeyPem, authorityPem };
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UnusableCertificate(
      `${file} cannot be read (${code ?? 'unknown error'}): give a PEM file that is there.`,
    );
  }
}

/** Also false where one of the two is not PEM. */
export function belongTogether(certificatePem: string, privateKeyPem: string): boolean {
  try {
    return new X509Certificate(certificatePem).checkPrivateKey(createPrivateKey(privateKeyPem));
  } catch {
    return false;
  }
}
