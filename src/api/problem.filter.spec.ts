import { Logger, ServiceUnavailableException } from '@nestjs/common';
import type { ArgumentsHost, LoggerService } from '@nestjs/common';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { ProblemFilter } from './problem.filter.js';

const logged: unknown[] = [];
const ignored = (): void => undefined;
const collecting: LoggerService = { log: ignored, warn: ignored, error: (...words: unknown[]) => logged.push(words) };

/** What the filter answers to an error of `GET /readyz`. */
function answerTo(error: unknown): { status: number; text: string } {
  const answer = { status: 0, text: '' };
  const response = {
    headersSent: false,
    setHeader: ignored,
    status: (status: number) => {
      answer.status = status;
      return response;
    },
    type: () => response,
    send: (text: string) => (answer.text = text),
  };
  const http = { getRequest: () => ({ path: '/readyz' }), getResponse: () => response };
  new ProblemFilter().catch(error, { switchToHttp: () => http } as unknown as ArgumentsHost);
  return answer;
}

describe('an error of the REST API', () => {
  beforeEach(() => {
    logged.length = 0;
    Logger.overrideLogger(collecting);
  });

  it('is answered, and not logged with each probe, where a controller says that it is not ready', () => {
    const answer = answerTo(new ServiceUnavailableException('it loads its facts'));
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.text)).toMatchObject({ title: 'Service Unavailable', instance: '/readyz' });
    expect(logged).toEqual([]);
  });

  it('is logged, and told in general terms, where something failed here', () => {
    const answer = answerTo(new Error('relation "secret" does not exist'));
    expect(answer.status).toBe(500);
    expect(answer.text).not.toContain('secret');
    expect(logged).toHaveLength(1);
  });
});
