import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { LoggerService } from '@nestjs/common';
import { Logger, PinoLogger } from 'nestjs-pino';
import { pino } from 'pino';
import type { Logger as PinoLog } from 'pino';
import { pinoHttp } from 'pino-http';
import type { HttpLogger } from 'pino-http';
import type { SettingValues } from '../config/settings.js';

type Choices = Pick<SettingValues, 'logLevel' | 'logFormat'>;

/** What is never to be read in a log, wherever it lands in an object. */
export const REDACTED = {
  paths: ['*.password', '*.token', '*.authorization', '*.databaseUrl'],
  censor: '[secret]',
};

const REQUEST_ID = /^[\w.:-]{1,100}$/;
/** Asked for every few seconds by machines: not worth a line. */
const QUIET = new Set(['/healthz', '/readyz', '/metrics']);

/** The process's log: JSON lines, or text for people. Secrets that land in an object by accident are blotted out. */
export function createLog({ logLevel, logFormat }: Choices): PinoLog {
  const redact = REDACTED;
  if (logFormat === 'json') return pino({ level: logLevel, redact });
  const options = { singleLine: true, ignore: 'pid,hostname', translateTime: true };
  return pino({ level: logLevel, redact, transport: { target: 'pino-pretty', options } });
}

/**
 * Middleware that logs one line per request with its id, method, path, status and time. Never headers, bodies or query
 * strings: tokens and people's manifests are in them. Not the module of nestjs-pino: its storage of the request's logger
 * turns on Node's async hooks for the whole process, which every admission review would pay for.
 */
export function requestLogging(log: PinoLog): HttpLogger {
  return pinoHttp({
    logger: log,
    genReqId: requestId,
    serializers: { req: describeRequest, res: describeResponse },
    autoLogging: { ignore: (request) => QUIET.has(pathOf(request.url)) },
  });
}

/** Nest's own lines and ours through the process's log. A failed start is told by whoever started it, once. */
export function applicationLogger(log: PinoLog): LoggerService {
  const logger = new Logger(new PinoLogger({ pinoHttp: { logger: log } }), {});
  const error = logger.error.bind(logger);
  logger.error = (message: unknown, ...details: unknown[]) => {
    if (details.at(-1) !== 'ExceptionHandler') error(message, ...details);
  };
  return logger;
}

/** The caller's id where it gives a harmless one, else a new one; sent back in the answer. */
function requestId(request: IncomingMessage, response: ServerResponse): string {
  const given = request.headers['x-request-id'];
  const id = typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
  response.setHeader('x-request-id', id);
  return id;
}

function describeRequest(request: { id: unknown; method: string; url: string }): object {
  return { id: request.id, method: request.method, path: pathOf(request.url) };
}

function describeResponse(response: { statusCode: number }): object {
  return { status: response.statusCode };
}

const pathOf = (url: string | undefined) => (url ?? '').split('?', 1)[0]!.slice(0, 200);
