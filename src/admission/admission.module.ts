import { join } from 'node:path';
import { Module } from '@nestjs/common';
import { SETTINGS } from '../config/settings.module.js';
import type { SettingValues } from '../config/settings.js';
import { AdmissionMetrics } from './admission-metrics.js';
import { AdmissionServer } from './https/admission-server.js';
import { WebhookEndpoint } from './https/webhook-endpoint.js';
import { NamespaceView } from './namespace-view.js';
import { Reviewer } from './reviewer.js';
import { CERTIFICATES } from './tls/certificate-source.js';
import type { CertificateSource } from './tls/certificate-source.js';
import { fileCertificates } from './tls/file-certificates.js';
import { keptCertificates, SHARED_CERTIFICATES } from './tls/kept-certificates.js';
import type { CertificateStore } from './tls/kept-certificates.js';
import { selfMadeCertificates } from './tls/self-made-certificates.js';

/** The webhook. Needs an Assessor and an AssessmentSink from outside. */
@Module({
  providers: [
    AdmissionMetrics,
    NamespaceView,
    Reviewer,
    WebhookEndpoint,
    AdmissionServer,
    {
      provide: CERTIFICATES,
      inject: [SETTINGS, { token: SHARED_CERTIFICATES, optional: true }],
      useFactory: certificateSource,
    },
  ],
  exports: [NamespaceView, AdmissionServer],
})
export class AdmissionModule {}

function certificateSource(settings: SettingValues, shared: CertificateStore | null = null): CertificateSource {
  const { tlsCertificateFile, tlsKeyFile, tlsCaFile, dataFolder, webhookNames } = settings;
  if (tlsCertificateFile !== null && tlsKeyFile !== null) {
    return fileCertificates({ certificateFile: tlsCertificateFile, keyFile: tlsKeyFile, caFile: tlsCaFile });
  }
  const options = { names: webhookNames, nowMs: Date.now };
  if (shared !== null) return keptCertificates(shared, options);
  return selfMadeCertificates({ folder: join(dataFolder, 'tls'), ...options });
}
