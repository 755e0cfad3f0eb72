import { describe, expect, it } from '@jest/globals';
import { RememberedAnswers } from './remembered-answers.js';

describe('a remembered answer', () => {
  const answers = new RememberedAnswers(1_000);
  answers.keep('question', null, { revision: '1', takenAtMs: 100 });
  const recalled = (revision: string, ofNow: number | null): unknown =>
    answers.recall('question', () => revision, ofNow);

  it('stands for its verdict whatever snapshot of the same devices it was made against', () => {
    expect(recalled('1', null)).toBeNull();
  });

  it('does not say what has room just now once there is another snapshot', () => {
    expect(recalled('1', 100)).toBeNull();
    expect(recalled('1', 130)).toBeUndefined();
  });

  it('is over when other runs were seen', () => {
    expect(recalled('2', null)).toBeUndefined();
    expect(answers.recall('another question', () => '1', null)).toBeUndefined();
  });
});
