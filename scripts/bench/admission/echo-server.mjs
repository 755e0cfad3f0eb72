/**
 * A bare HTTPS server of Node: reads each body and answers with fixed bytes. What the webhook is held against.
 *   node echo-server.mjs FOLDER SIZE    certificate and key in FOLDER (server.crt, server.key); prints its port
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';

const [folder = '', size = '1000'] = process.argv.slice(2);
const body = 'x'.repeat(Number(size));
const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
const server = createServer(
  {
    cert: readFileSync(join(folder, 'server.crt')),
    key: readFileSync(join(folder, 'server.key')),
    minVersion: 'TLSv1.2',
  },
  (request, response) => {
    request.resume().on('end', () => {
      response.writeHead(200, headers);
      response.end(body);
    });
  },
);
server.keepAliveTimeout = 120_000;
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.once('disconnect', () => process.exit());
