import { beforeEach, describe, expect, it } from '@jest/globals';
import { setImmediate as soon } from 'node:timers/promises';
import { assessmentWith } from '../../test/fixtures/assessments.js';
import { Recorder } from './recorder.js';

let nowMs: number;
let taken: string[];
let recorder: Recorder;

beforeEach(() => {
  nowMs = 0;
  taken = [];
  recorder = new Recorder({ take: ({ id }) => void taken.push(id) }, () => nowMs);
});

const take = (id: string, always = false) => recorder.take(assessmentWith('fits', { id }), always);

describe('the recorder', () => {
  it('hands on each answer once, after the person has theirs', async () => {
    take('a');
    take('a');
    expect(taken).toEqual([]);
    await soon();
    expect(taken).toEqual(['a']);
  });

  it('hands on no more than can be written, but whatever was turned away', async () => {
    for (let index = 0; index < 1000; index++) take(`job-${index}`);
    take('denied', true);
    await soon();
    expect([taken.length, taken.at(-1), recorder.letGo]).toEqual([101, 'denied', 900]);
    nowMs += 1_000;
    for (let index = 0; index < 100; index++) take(`later-${index}`);
    await soon();
    expect(taken.length).toBe(121);
  });
});
