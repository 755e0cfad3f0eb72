import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Params } from 'nestjs-pino';
import type { SettingValues } from '../config/settings.js';

type Choices = Pick<SettingValues, 'logLevel' | 'logFormat'>;

const REQUEST_ID = /^[\w.:-]{1,100}$/;
/** Asked for every few seconds by machines: not worth a line. */
const QUIET = new Set(['/healthz', '/readyz', '/metrics']);

/**
 * One line per request with its id, method, path, status and time. Never headers, bodies or query strings: tokens and
 * people's manifests are in them.
 */
export function loggingParams({ logLevel, logFormat }: Choices): Params {
  const text = { target: 'pino-pretty', options: { singleLine: true, ignore: 'pid,hostname', translateTime: true } };
  return {
    pinoHttp: {
      level: logLevel,
      genReqId: requestId,
      redact: { paths: ['*.password', '*.token', '*.authorization', '*.databaseUrl'], censor: '[secret]' },
      serializers: { req: describeRequest, res: describeResponse },
      autoLogging: { ignore: (request) => QUIET.has(pathOf(request.url)) },
      ...(logFormat === 'text' ? { transport: text } : {}),
    },
  };
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
