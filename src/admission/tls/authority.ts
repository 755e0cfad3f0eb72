import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Extension,
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
/** Certificates are valid from this long before they are made. */
export const CLOCK_SKEW_MS = 3_600_000;
export const DAY_MS = 86_400_000;

/** A new self-signed authority that can only sign certificates. */
export async function createAuthority(lifetime: Lifetime): Promise<KeyPair> {
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...validity(lifetime),
    // A name of its own: in a bundle of two, clients look for the issuer by its name.
    name: [{ CN: [`plimsoll-webhook-ca-${randomBytes(4).toString('hex')}`] }],
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  return { certificatePem: certificate.toString('pem'), privateKeyPem: await exported(keys.privateKey) };
}

/** A new client certificate for somebody of this name, signed by the authority. */
export async function issueClientCertificate(authority: KeyPair, name: string, lifetime: Lifetime): Promise<KeyPair> {
  return issue(authority, {
    lifetime,
    name,
    extensions: [new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth])],
  });
}

/** A new server certificate for these host names and addresses, signed by the authority. */
export async function issueServerCertificate(
  authority: KeyPair,
  names: readonly string[],
  lifetime: Lifetime,
): Promise<KeyPair> {
  return issue(authority, {
    lifetime,
    name: 'plimsoll-webhook',
    extensions: [
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(names.map((value) => ({ type: isIP(value) ? 'ip' : 'dns', value }))),
    ],
  });
}

interface Issuing {
  lifetime: Lifetime;
  name: string;
  extensions: readonly Extension[];
}

async function issue(authority: KeyPair, { lifetime, name, extensions }: Issuing): Promise<KeyPair> {
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.create({
    ...validity(lifetime),
    subject: [{ CN: [name] }],
    issuer: new X509Certificate(authority.certificatePem).subject,
    publicKey: keys.publicKey,
    signingKey: await imported(authority.privateKeyPem),
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      ...extensions,
    ],
  });
  return { certificatePem: certificate.toString('pem'), privateKeyPem: await exported(keys.privateKey) };
}

function validity({ fromMs, days }: Lifetime): { serialNumber: string; notBefore: Date; notAfter: Date } {
  return {
    serialNumber: `01${randomBytes(15).toString('hex')}`,
    notBefore: new Date(fromMs - CLOCK_SKEW_MS),
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
