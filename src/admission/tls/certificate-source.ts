/** What a TLS server shows, and what its clients must trust; PEM text. */
export interface ServingCertificate {
  certificatePem: string;
  privateKeyPem: string;
  /** For `caBundle` of the webhook configurations. */
  authorityPem: string;
}

/** Where the webhook's certificate comes from. */
export interface CertificateSource {
  /** The certificate to begin with. Throws UnusableCertificate. */
  load(): Promise<ServingCertificate>;
  /** Calls back with every later one, until the returned function is called. */
  watch(changed: (certificate: ServingCertificate) => void, failed: (error: unknown) => void): () => void;
}

/** A certificate that cannot be served: says which file or folder and what to do. */
export class UnusableCertificate extends Error {
  constructor(problem: string) {
    super(problem);
    this.name = 'UnusableCertificate';
  }
}

/** A source that is asked again every `everyMs`, one time after the other, and tells when the answer is another. */
export function askedAgain(load: () => Promise<ServingCertificate>, everyMs: number): CertificateSource {
  let shown: ServingCertificate | null = null;
  const first = async () => (shown = await load());
  return {
    load: first,
    watch(changed, failed) {
      let asking = false;
      const ask = async () => {
        const before = shown;
        const now = await first();
        if (before !== null && !isSame(before, now)) changed(now);
      };
      const timer = setInterval(() => {
        if (asking) return;
        asking = true;
        void ask()
          .catch(failed)
          .finally(() => (asking = false));
      }, everyMs);
      timer.unref();
      return () => clearInterval(timer);
    },
  };
}

function isSame(a: ServingCertificate, b: ServingCertificate): boolean {
  return (
    a.certificatePem === b.certificatePem && a.privateKeyPem === b.privateKeyPem && a.authorityPem === b.authorityPem
  );
}

/** Injection token of the CertificateSource. */
export const CERTIFICATES = Symbol('certificates');
