import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { SettingValues } from '../../config/settings.js';

type Settings = Pick<SettingValues, 'webhookClientCaFile' | 'webhookClientName'>;

/** Whether a request comes from who shows a certificate of the authority, by the name that is asked for. Anyone where none is. */
export function trustedBy({ webhookClientCaFile, webhookClientName }: Settings): (request: IncomingMessage) => boolean {
  if (webhookClientCaFile === null) return () => true;
  return ({ socket }) => {
    if (!(socket instanceof TLSSocket) || !socket.authorized) return false;
    return webhookClientName === null || socket.getPeerCertificate().subject.CN === webhookClientName;
  };
}
