import { beforeEach, describe, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { LeaderElection } from './leader-election.js';
import type { LeaseRecord, LeaseStore } from './lease.js';

/** A Lease as the API server keeps it: writes over another version than the last are refused. */
class KeptLease implements LeaseStore {
  record: LeaseRecord | null = null;
  away = false;
  #version = 0;

  read(): Promise<LeaseRecord | null> {
    return this.away ? Promise.reject(new Error('away')) : Promise.resolve(this.record);
  }

  write(next: { holder: string; transitions: number }, read: LeaseRecord | null): Promise<boolean> {
    if (this.away) return Promise.reject(new Error('away'));
    if (this.record?.resourceVersion !== read?.resourceVersion) return Promise.resolve(false);
    this.#version += 1;
    this.record = { ...next, renewTime: `t${this.#version}`, resourceVersion: String(this.#version) };
    return Promise.resolve(true);
  }
}

let lease: KeptLease;
let nowMs: number;

beforeEach(() => {
  lease = new KeptLease();
  nowMs = 0;
});

const replica = (identity: string) =>
  new LeaderElection(lease, {
    identity,
    leaseSeconds: 15,
    everyMs: 2,
    renewWithinMs: 10_000,
    nowMs: () => nowMs,
    failed: () => undefined,
  });

const soon = () => pause(40);

describe('leader election', () => {
  it('has one replica work, and another take over at once where the first one leaves', async () => {
    const [first, second] = [replica('a'), replica('b')];
    first.start();
    await soon();
    second.start();
    await soon();
    expect([first.isLeader, second.isLeader]).toEqual([true, false]);
    await first.stop();
    await soon();
    expect([first.isLeader, second.isLeader]).toEqual([false, true]);
    expect(lease.record).toMatchObject({ holder: 'b', transitions: 1 });
    await second.stop();
  });

  it('waits for a holder that is gone until its lease is over by the own clock', async () => {
    lease.record = { holder: 'gone', transitions: 4, renewTime: '2999-01-01T00:00:00Z', resourceVersion: 'x' };
    const second = replica('b');
    second.start();
    await soon();
    nowMs += 14_000;
    await soon();
    expect(second.isLeader).toBe(false);
    nowMs += 2_000;
    await soon();
    expect(second.isLeader).toBe(true);
    await second.stop();
  });

  it('has the holder step down that cannot renew, before another may begin', async () => {
    const first = replica('a');
    const told: boolean[] = [];
    first.onChange((isLeader) => told.push(isLeader));
    first.start();
    await soon();
    lease.away = true;
    nowMs += 9_000;
    await soon();
    expect(first.isLeader).toBe(true);
    nowMs += 2_000;
    await soon();
    expect(first.isLeader).toBe(false);
    lease.away = false;
    await soon();
    expect(told).toEqual([true, false, true]);
    await first.stop();
  });

  it('gives no two replicas the lease that ask at the same time', async () => {
    const replicas = ['a', 'b', 'c', 'd'].map(replica);
    for (const each of replicas) each.start();
    await soon();
    expect(replicas.filter(({ isLeader }) => isLeader)).toHaveLength(1);
    await Promise.all(replicas.map((each) => each.stop()));
  });
});
