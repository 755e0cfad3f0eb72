/** A server that could not take its port: says why and which setting to change. */
export class CannotListen extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CannotListen';
  }
}

export interface Listening {
  /** What would have listened, for people. */
  what: string;
  host: string;
  port: number;
  portVariable: string;
  hostVariable: string;
}

const REASONS: Readonly<Record<string, (server: Listening) => string>> = {
  EADDRINUSE: ({ port, portVariable }) =>
    `port ${port} is taken by another program. Stop that one, or set ${portVariable} to a free port (0 takes any).`,
  EACCES: ({ port, portVariable }) =>
    `port ${port} may not be taken by this user. Set ${portVariable} to one above 1023.`,
  EADDRNOTAVAIL: ({ host, hostVariable }) => `this machine has no address ${host}. Set ${hostVariable} to one it has.`,
  ENOTFOUND: ({ host, hostVariable }) => `the host name ${host} is not known. Set ${hostVariable} to an address.`,
};

/** The error of a failed `listen` in plain words; any other error as it is. */
export function listeningProblem(error: unknown, server: Listening): unknown {
  const reason = REASONS[(error as NodeJS.ErrnoException | null)?.code ?? ''];
  return reason ? new CannotListen(`${server.what} cannot start: ${reason(server)}`) : error;
}
