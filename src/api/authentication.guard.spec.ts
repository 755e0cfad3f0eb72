import { describe, expect, it } from '@jest/globals';
import type { ExecutionContext } from '@nestjs/common';
import { AuthenticationGuard } from './authentication.guard.js';

/** A request as the guard sees it. */
function requested(path: string, headers: Record<string, string> = {}): ExecutionContext {
  const request = { path, headers };
  return { switchToHttp: () => ({ getRequest: () => request }) } as unknown as ExecutionContext;
}

describe('who may ask where tokens are asked for', () => {
  const guard = new AuthenticationGuard({ apiAuthentication: 'token-review' }, null);

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
