import { describe, expect, it, jest } from '@jest/globals';
import type { ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { AccessQuestion, TokenOwner } from '../cluster/cluster.js';
import { Access, Requires } from './access.js';
import { AuthenticationGuard } from './authentication.guard.js';

/** A request as the guard sees it. */
function requested(
  path: string,
  headers: Record<string, string> = {},
  { query = {}, handler = () => undefined }: { query?: object; handler?: () => void } = {},
): ExecutionContext {
  const request = { path, headers, query };
  const http = { getRequest: () => request };
  return { switchToHttp: () => http, getHandler: () => handler } as unknown as ExecutionContext;
}

describe('who may ask where tokens are asked for', () => {
  const settings = { apiAuthentication: 'token-review' } as const;
  const guard = new AuthenticationGuard(settings, null, new Access(settings, null), new Reflector());

  // Express finds a route whatever its case, and with a slash behind it.
  it.each(['/v1/assessments', '/V1/assessments', '/v1/Nodes/', '/v1', '/new'])(
    'nobody without a token: %s',
    async (path) => {
      await expect(guard.canActivate(requested(path))).rejects.toMatchObject({ status: 401 });
    },
  );

  it('nobody with a token that no cluster knows', async () => {
    const asked = requested('/v1/assessments', { authorization: 'Bearer abc' });
    await expect(guard.canActivate(asked)).rejects.toMatchObject({ status: 401 });
  });

  it.each(['/healthz', '/readyz', '/metrics'])('anybody: %s', async (path) => {
    await expect(guard.canActivate(requested(path))).resolves.toBe(true);
  });
});

describe('what they may see', () => {
  const settings = { apiAuthentication: 'token-review' } as const;
  const asked: AccessQuestion[] = [];
  /** Alice may see team-a, and the API server knows her by a token. */
  const cluster = {
    ownerOf: (token: string) => Promise.resolve(token === 'of-alice' ? { username: 'alice', groups: ['a'] } : null),
    mayAccess: (_: TokenOwner, question: AccessQuestion) => {
      asked.push(question);
      return Promise.resolve(question.namespace === 'team-a');
    },
  };
  const guard = new AuthenticationGuard(settings, cluster, new Access(settings, cluster), new Reflector());
  class Handlers {
    @Requires({ verb: 'list', resource: 'assessments' })
    list(this: void): void {}
  }
  const list = (query: Record<string, unknown>) =>
    guard.canActivate(
      requested('/v1/assessments', { authorization: 'Bearer of-alice' }, { query, handler: new Handlers().list }),
    );

  it('is what RBAC grants, namespace by namespace, and asked once in a while', async () => {
    await expect(list({ namespace: 'team-a' })).resolves.toBe(true);
    await expect(list({ namespace: 'team-a' })).resolves.toBe(true);
    expect(asked).toEqual([{ verb: 'list', resource: 'assessments', namespace: 'team-a' }]);
  });

  it('is nothing of other namespaces, nor of all of them, however it is asked', async () => {
    for (const query of [{ namespace: 'team-b' }, {}, { namespace: '' }, { namespace: ['team-a', 'team-b'] }]) {
      await expect(list(query)).rejects.toMatchObject({ status: 403 });
    }
  });

  it('is no more a minute after the right was taken away, nor is the token known', async () => {
    const clock = jest.spyOn(performance, 'now');
    let nowMs = performance.now();
    clock.mockImplementation(() => nowMs);
    // The cache looks at the clock once in a millisecond.
    const passed = (ms: number): Promise<void> => {
      nowMs += ms;
      return new Promise((done) => setTimeout(done, 5));
    };
    const rights = { isGranted: true, isKnown: true };
    const revoking = {
      ownerOf: () => Promise.resolve(rights.isKnown ? { username: 'alice', groups: [] } : null),
      mayAccess: () => Promise.resolve(rights.isGranted),
    };
    const watched = new AuthenticationGuard(settings, revoking, new Access(settings, revoking), new Reflector());
    const ask = () =>
      watched.canActivate(
        requested(
          '/v1/assessments',
          { authorization: 'Bearer of-alice' },
          { query: { namespace: 'team-a' }, handler: new Handlers().list },
        ),
      );
    await expect(ask()).resolves.toBe(true);
    rights.isGranted = false;
    await expect(ask()).resolves.toBe(true);
    await passed(61_000);
    await expect(ask()).rejects.toMatchObject({ status: 403 });
    rights.isKnown = false;
    await passed(61_000);
    await expect(ask()).rejects.toMatchObject({ status: 401 });
    clock.mockRestore();
  });
});
