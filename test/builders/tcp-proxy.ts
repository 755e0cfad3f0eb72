import { createServer, connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** A stretch of network between a client and a server on this machine, which a test can make bad. */
export interface TcpProxy {
  port: number;
  /** Where new connections go. */
  target: number;
  /** How long each piece takes on its way to the server, in milliseconds. */
  delayMs: number;
  /** Whether pieces vanish on their way, as behind a firewall that lost its state: nobody is told. */
  silent: boolean;
  /** Whether new connections are refused. */
  refusing: boolean;
  /** Ends the connections that there are, at once. */
  cut(): void;
  close(): Promise<void>;
}

export async function startTcpProxy(target: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    if (proxy.refusing) {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect(proxy.target, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
    client.on('close', () => upstream.destroy()).on('data', (piece) => void carried(piece, upstream));
    upstream.on('close', () => client.destroy()).on('data', (piece) => void carried(piece, client));
    for (const socket of [client, upstream]) socket.on('close', () => sockets.delete(socket));
  });
  const carried = async (piece: Buffer, to: Socket): Promise<void> => {
    if (proxy.silent) return;
    if (proxy.delayMs > 0) await pause(proxy.delayMs);
    if (to.writable) to.write(piece);
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = (): void => sockets.forEach((socket) => void socket.destroy());
  const proxy: TcpProxy = {
    port: (server.address() as AddressInfo).port,
    target,
    delayMs: 0,
    silent: false,
    refusing: false,
    cut,
    close: () => {
      cut();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return proxy;
}
