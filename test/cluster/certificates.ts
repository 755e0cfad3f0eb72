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
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { Extension, JsonName, X509Certificate } from '@peculiar/x509';

/** A certificate and its private key (PKCS #8), both as PEM text. */
export interface KeyPair {
  certificatePem: string;
  privateKeyPem: string;
}

/** Who a certificate is for: what Kubernetes takes as user name and groups, and the hosts it serves as. */
export interface Subject {
  commonName: string;
  organizations?: string[];
  hosts?: string[];
}

/** A self-signed authority that lives as long as one control plane. */
export interface Authority {
  certificatePem: string;
  /** A certificate for servers and clients alike, signed by this authority. */
  issue(subject: Subject): Promise<KeyPair>;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const hourMs = 3_600_000;

/** Makes an authority with a fresh P-256 key. */
export async function createAuthority(commonName: string): Promise<Authority> {
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...lifetime(),
    name: [{ CN: [commonName] }],
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.digitalSignature, true),
    ],
  });
  return {
    certificatePem: certificate.toString('pem'),
    issue: (subject) => issue(certificate, keys.privateKey, subject),
  };
}

/** A key pair for signing service-account tokens: private key as PKCS #8, public key as SPKI. */
export async function createSigningKeys(): Promise<{ privateKeyPem: string; publicKeyPem: string }> {
  const keys = await generateKeys();
  const publicKey = await webcrypto.subtle.exportKey('spki', keys.publicKey);
  return {
    privateKeyPem: await privateKeyPem(keys.privateKey),
    publicKeyPem: PemConverter.encode(publicKey, PemConverter.PublicKeyTag),
  };
}

async function issue(issuer: X509Certificate, signingKey: webcrypto.CryptoKey, subject: Subject): Promise<KeyPair> {
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.create({
    ...lifetime(),
    subject: nameOf(subject),
    issuer: issuer.subject,
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: algorithm,
    extensions: leafExtensions(subject.hosts ?? []),
  });
  return { certificatePem: certificate.toString('pem'), privateKeyPem: await privateKeyPem(keys.privateKey) };
}

function leafExtensions(hosts: string[]): Extension[] {
  const extensions: Extension[] = [
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
  ];
  if (hosts.length === 0) return extensions;
  const names = hosts.map((host) => ({ type: isIP(host) ? ('ip' as const) : ('dns' as const), value: host }));
  return [...extensions, new SubjectAlternativeNameExtension(names)];
}

function nameOf({ commonName, organizations = [] }: Subject): JsonName {
  return [{ CN: [commonName] }, ...organizations.map((organization) => ({ O: [organization] }))];
}

/** Valid from an hour ago, for clocks that differ, and for a day: no control plane of a test lives longer. */
function lifetime(): { serialNumber: string; notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return {
    serialNumber: `01${randomBytes(8).toString('hex')}`,
    notBefore: new Date(now - hourMs),
    notAfter: new Date(now + 24 * hourMs),
  };
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

async function privateKeyPem(key: webcrypto.CryptoKey): Promise<string> {
  return PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), PemConverter.PrivateKeyTag);
}
