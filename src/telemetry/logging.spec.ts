import { describe, expect, it } from '@jest/globals';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { REDACTED, requestLogging } from './logging.js';

/** What is written to the log. */
function written(): { text: () => string; stream: Writable } {
  let text = '';
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      text += chunk.toString();
      done();
    },
  });
  return { text: () => text, stream };
}

describe('the log', () => {
  it('has blotted out what looks like a secret', () => {
    const { text, stream } = written();
    const log = pino({ redact: REDACTED }, stream);
    log.info({ settings: { databaseUrl: 'postgres://a:hunter2@b', password: 'hunter2', token: 'hunter2' } }, 'started');
    log.info({ headers: { authorization: 'Bearer hunter2' } }, 'asked');
    expect(text()).toContain('[secret]');
    expect(text()).not.toContain('hunter2');
  });

  it('has the path of a request, and neither its headers nor its query nor its body', async () => {
    const { text, stream } = written();
    const middleware = requestLogging(pino(stream));
    const server = createServer((request, response) => {
      middleware(request, response);
      request.resume().on('end', () => response.end());
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const headers = { authorization: 'Bearer hunter2', cookie: 'hunter2' };
    await fetch(`http://127.0.0.1:${port}/v1/advise?token=hunter2`, { method: 'POST', headers, body: 'hunter2' });
    server.close();
    expect(text()).toContain('/v1/advise');
    expect(text()).not.toContain('hunter2');
  });
});
