import { beforeEach, describe, expect, it } from '@jest/globals';
import { ApiError } from './api-client.js';
import type { ApiCall, ApiClient } from './api-client.js';
import { EventBook } from './event-book.js';

const job = { apiVersion: 'batch/v1', kind: 'Job', namespace: 'team-a', name: 'train', uid: 'u-1' };
const event = { type: 'Warning', reason: 'GpuMemoryTight', message: 'tight' } as const;

let calls: ApiCall[];
let isGone: boolean;
let book: EventBook;

beforeEach(() => {
  calls = [];
  isGone = false;
  const call = (asked: ApiCall) => {
    calls.push(asked);
    if (asked.method === 'PATCH' && isGone) return Promise.reject(new ApiError(404, 'PATCH', 'not found'));
    return Promise.resolve({ metadata: { name: 'plimsoll-x' } });
  };
  book = new EventBook({ call } as unknown as ApiClient);
});

describe('the book of Events', () => {
  it('raises the count of what was told already', async () => {
    await book.tell(job, event);
    await book.tell(job, event);
    await book.tell(job, event);
    expect(calls.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /api/v1/namespaces/team-a/events',
      'PATCH /api/v1/namespaces/team-a/events/plimsoll-x',
      'PATCH /api/v1/namespaces/team-a/events/plimsoll-x',
    ]);
    expect(calls[2]?.body).toMatchObject({ count: 3 });
  });

  it('tells anew what is over, of another object, or in other words', async () => {
    await book.tell(job, event);
    await book.tell({ ...job, uid: 'u-2' }, event);
    await book.tell(job, { ...event, message: 'tight (was fits)' });
    isGone = true;
    await book.tell(job, event);
    expect(calls.map(({ method }) => method)).toEqual(['POST', 'POST', 'POST', 'PATCH', 'POST']);
  });
});
