import type { IncomingMessage } from 'node:http';

/** A body that is larger than it may be. The rest of it is still to come. */
export class BodyTooLarge extends Error {
  constructor(limitBytes: number) {
    super(`the body is larger than ${limitBytes} bytes`);
    this.name = 'BodyTooLarge';
  }
}

/** Told of the body, or of what kept it from coming: then possibly more than once. */
export interface BodyReceiver {
  received(body: Buffer): void;
  failed(error: Error): void;
}

/**
 * Hands on the whole body as soon as its last byte is in, without the detour of a promise. Fails with BodyTooLarge as
 * soon as more than `limitBytes` are announced or come in.
 */
export function receiveBody(request: IncomingMessage, limitBytes: number, receiver: BodyReceiver): void {
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) {
    receiver.failed(new BodyTooLarge(limitBytes));
    return;
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= limitBytes) {
      chunks.push(chunk);
      return;
    }
    for (const event of ['data', 'end', 'close']) request.removeAllListeners(event);
    receiver.failed(new BodyTooLarge(limitBytes));
  });
  request.on('end', () => receiver.received(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
  request.on('error', (error) => receiver.failed(error));
  request.on('close', () => {
    // An error knows where it was made, which is too much to find out for every body that is whole.
    if (!request.complete) receiver.failed(new Error('the connection ended before the body did'));
  });
}

/** What is read of a body that nobody wants, before its connection is closed: more than any honest sender has on its way. */
const DISCARDED_BYTES = 32 * 1024 * 1024;
const DISCARDING_MS = 3_000;

/**
 * Reads on what is still sent and throws it away, then calls back: at its end, or after so many bytes or so long. A
 * connection that is closed with bytes unread is reset, and who is still sending may then never see the answer.
 */
export function discardBody(request: IncomingMessage, done: () => void): void {
  let bytes = 0;
  const finish = (): void => {
    clearTimeout(timer);
    request.removeListener('data', count);
    done();
  };
  const count = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes > DISCARDED_BYTES) finish();
  };
  const timer = setTimeout(finish, DISCARDING_MS).unref();
  request.on('data', count).once('end', finish).once('close', finish);
}
