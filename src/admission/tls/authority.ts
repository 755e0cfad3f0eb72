import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** A certificate and its private key (PKCS #8) as PEM text. */
export interface KeyPair {
  certificatePem: string;
  privateKeyPem: string;
}

/** How long a certificate is valid, from an hour before `fromMs` on, for clocks that differ. */
export interface Lifetime {
  fromMs: number;
  days: number;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/** A new self-signed authority that can only sign certificates. */
export async function createAuthority(lifetime: Lifetime): Promise<KeyPair> {
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...validity(lifetime),
    name: [{ CN: ['plimsoll-webhook-ca'] }],
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  return { certificatePem: certificate.toString('pem'), privateKeyPem: await exported(keys.privateKey) };
}

/** A new server certificate for these host names and addresses, signed by the authority. */
export async function issueServerCertificate(
  authority: KeyPair,
  names: readonly string[],
  lifetime: Lifetime,
): Promise<KeyPair> {
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.create({
    ...validity(lifetime),
    subject: [{ CN: ['plimsoll-webhook'] }],
    issuer: new X509Certificate(authority.certificatePem).subject,
    publicKey: keys.publicKey,
    signingKey: await imported(authority.privateKeyPem),
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(names.map((value) => ({ type: isIP(value) ? 'ip' : 'dns', value }))),
    ],
  });
  return { certificatePem: certificate.toString('pem'), privateKeyPem: await exported(keys.privateKey) };
}

function validity({ fromMs, days }: Lifetime): { serialNumber: string; notBefore: Date; notAfter: Date } {
  return {
    serialNumber: `01${randomBytes(15).toString('hex')}`,
    notBefore: new Date(fromMs - HOUR_MS),
    notAfter: new Date(fromMs + days * DAY_MS),
  };
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

async function exported(key: webcrypto.CryptoKey): Promise<string> {
  return PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), PemConverter.PrivateKeyTag);
}

function imported(privateKeyPem: string): Promise<webcrypto.CryptoKey> {
  const [der] = PemConverter.decode(privateKeyPem);
  return webcrypto.subtle.importKey('pkcs8', der!, algorithm, false, ['sign']);
}
