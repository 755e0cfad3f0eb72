import type { IncomingMessage } from 'node:http';

/** A body that is larger than it may be. The rest of it was not read. */
export class BodyTooLarge extends Error {
  constructor(limitBytes: number) {
    super(`the body is larger than ${limitBytes} bytes`);
    this.name = 'BodyTooLarge';
  }
}

/** The whole body. Rejects with BodyTooLarge as soon as more than `limitBytes` are announced or come in. */
export function readBody(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) {
    return Promise.reject(new BodyTooLarge(limitBytes));
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > limitBytes) {
        request.pause();
        reject(new BodyTooLarge(limitBytes));
      } else chunks.push(chunk);
    });
    request.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
    request.on('error', reject);
    request.on('close', () => {
      // An error knows where it was made, which is too much to find out for every body that is whole.
      if (!request.complete) reject(new Error('the connection ended before the body did'));
    });
  });
}
