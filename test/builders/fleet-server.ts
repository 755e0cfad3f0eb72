import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fleetExposition, fleetStateOf } from './fleet.js';

/** The exporters of a fleet on loopback, one address for each node: `/<node>/metrics`. `/round/<n>` begins a round. */
export interface FleetServer {
  port: number;
  close(): Promise<void>;
}

function answer(url: string, round: number, response: ServerResponse): void {
  const node = Number(/^\/(\d+)\/metrics$/.exec(url)?.[1] ?? NaN);
  const state = Number.isNaN(node) ? 'failing' : fleetStateOf(node, round);
  response.setHeader('content-type', 'text/plain; version=0.0.4; charset=utf-8');
  if (state === 'failing') response.statusCode = 503;
  // A restarted exporter answers before it has its first samples.
  response.end(state === 'well' ? fleetExposition(node, round) : '');
}

export async function startFleet(): Promise<FleetServer> {
  let round = 0;
  const server: Server = createServer((request, response) => {
    const begun = /^\/round\/(\d+)$/.exec(request.url ?? '')?.[1];
    if (begun === undefined) return answer(request.url ?? '', round, response);
    round = Number(begun);
    response.end();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.closeAllConnections();
      return new Promise((done) => server.close(() => done()));
    },
  };
}
