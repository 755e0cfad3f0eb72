import type { Interval } from '../../memory/estimate.js';
import type { Verdict } from '../assessment.js';
import { severity } from '../workload-fit.js';
import type { Evaluator, Outcome } from './evaluation.js';
import { rungsOf } from './ladder.js';
import type { AdviceKind, Edit, Proposal, Subject } from './proposal.js';

/** A proposal that was estimated and matched. */
export interface Found {
  proposal: Proposal;
  outcome: Outcome;
  /** Positions of its kinds in the table: what the person gives up, the largest first. */
  ranks: readonly number[];
}

/** A kind with its proposals for one subject. */
interface Ladder {
  kind: AdviceKind;
  rank: number;
  rungs: readonly Proposal[];
}

/** Rungs that help by less than this are left out of combinations. */
const WORTH_ADDING = 0.01;

/** One edit per field: of two for the same field the later one counts. */
function joined(proposals: readonly Proposal[]): Proposal {
  const [only] = proposals;
  if (proposals.length === 1 && only !== undefined) return only;
  const edits = new Map(proposals.flatMap(({ edits: own }) => own.map((edit) => [edit.field, edit] as const)));
  return { edits: [...edits.values()], costs: [...new Set(proposals.flatMap(({ costs }) => costs))] };
}

/** With so many ways that keep the result, none is offered that changes it. */
const ENOUGH = 2;

/** Looks for changes of one subject that lead to a better verdict. */
export class Search {
  constructor(
    private readonly evaluator: Evaluator,
    private readonly current: Verdict,
    private readonly requiredNow: Interval,
    /** Seeks changes of the result also where others do. */
    private readonly isWide = false,
  ) {}

  /**
   * Proposals of single kinds and, where these do not do, of several kinds together. Changes of the result of training
   * are only looked for where little else was found.
   */
  run(subject: Subject, kinds: readonly AdviceKind[]): Found[] {
    const ladders = kinds
      .map((kind, rank) => ({ kind, rank, rungs: kind.answers.includes(this.current) ? rungsOf(kind, subject) : [] }))
      .filter(({ rungs }) => rungs.length > 0);
    const light = this.among(ladders.filter(({ kind }) => kind.price !== 'result'));
    const isEnough = !this.isWide && light.filter(({ outcome }) => this.isGoal(outcome)).length >= ENOUGH;
    const found = isEnough ? light : [...light, ...this.among(ladders, light)];
    return found.map((each) => this.kept(each)).filter(({ outcome }) => this.isBetter(outcome));
  }

  /** Where only some devices fit: with the affinity that keeps the pods on those, if they have room there together. */
  private kept(found: Found): Found {
    const { proposal, outcome, ranks } = found;
    const [fit] = outcome.podSets;
    if (outcome.verdict !== 'fits-some' || fit?.affinity == null) return found;
    const edit: Edit = { field: 'placement.affinity', value: fit.affinity };
    const edits = [...proposal.edits, edit];
    const after = this.evaluator.matchedAgain(edits);
    return after?.verdict === 'fits' ? { proposal: { ...proposal, edits }, outcome: after, ranks } : found;
  }

  /** Singles and combinations of these ladders that were not found before. */
  private among(ladders: readonly Ladder[], before: readonly Found[] = []): Found[] {
    const tried = ladders.map((ladder) => ({ ladder, strongest: this.tried([ladder.rungs.at(-1)], [ladder.rank]) }));
    const known = new Set(before.filter(({ ranks }) => ranks.length === 1).flatMap(({ ranks }) => ranks));
    const singles = tried.flatMap(({ ladder, strongest }) =>
      strongest !== null && !known.has(ladder.rank) && this.isGoal(strongest.outcome)
        ? [this.mildest(ladder, [], strongest)]
        : [],
    );
    const helpful = tried.filter(({ ladder, strongest }) => ladder.kind.combines && this.helps(strongest));
    const solved = [...before.filter(({ outcome }) => this.isGoal(outcome)), ...singles];
    return [
      ...singles,
      ...this.combination(
        helpful.map(({ ladder }) => ladder),
        solved,
      ),
    ];
  }

  private tried(proposals: readonly (Proposal | undefined)[], ranks: readonly number[]): Found | null {
    const proposal = joined(proposals.filter((each) => each !== undefined));
    const outcome = this.evaluator.evaluate(proposal.edits);
    return outcome === null ? null : { proposal, outcome, ranks };
  }

  private isBetter(outcome: Outcome): boolean {
    return severity(outcome.verdict) < severity(this.current) || this.current === 'fits';
  }

  /** The verdict to reach: `fits`, also where an affinity has to see to it. */
  private isGoal({ verdict, podSets }: Outcome): boolean {
    if (verdict === 'fits') return true;
    return (
      verdict === 'fits-some' && this.current !== 'fits-some' && podSets.every(({ affinity }) => affinity !== null)
    );
  }

  private helps(found: Found | null): boolean {
    if (found === null) return false;
    const { expected, high } = found.outcome.requiredBytes;
    const less = 1 - WORTH_ADDING;
    return expected < this.requiredNow.expected * less || high < this.requiredNow.high * less;
  }

  /** The mildest rung that still reaches the goal, with `others` beside it: rungs are ordered, so by halving. */
  private mildest(ladder: Ladder, others: readonly Proposal[], strongest: Found): Found {
    let best = strongest;
    let [low, high] = [0, ladder.rungs.length - 1];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const found = this.tried([...others, ladder.rungs[middle]], best.ranks);
      if (found !== null && this.isGoal(found.outcome)) {
        best = found;
        high = middle;
      } else low = middle + 1;
    }
    return best;
  }

  /**
   * Adds kind after kind, cheapest first, until the goal is reached; then takes out again what was not needed. Not
   * sought where a single change that costs less than the last addition already does.
   */
  private combination(ladders: readonly Ladder[], solved: readonly Found[]): Found[] {
    const cheapest = Math.min(...solved.map(({ ranks }) => Math.max(...ranks)), Infinity);
    const taken: Ladder[] = [];
    for (const ladder of ladders) {
      if (ladder.rank >= cheapest) return [];
      taken.push(ladder);
      const found = taken.length < 2 ? null : this.strongestOf(taken);
      if (found !== null && this.isGoal(found.outcome)) return [this.pruned(taken, found)];
    }
    const best = taken.length < 2 ? null : this.strongestOf(taken);
    return best === null ? [] : [best];
  }

  private strongestOf(ladders: readonly Ladder[]): Found | null {
    return this.tried(
      ladders.map(({ rungs }) => rungs.at(-1)),
      ladders.map(({ rank }) => rank),
    );
  }

  private pruned(ladders: readonly Ladder[], found: Found): Found {
    let [kept, best] = [ladders, found];
    for (const ladder of ladders) {
      const fewer = kept.filter((each) => each !== ladder);
      const without = fewer.length === 0 ? null : this.strongestOf(fewer);
      if (without !== null && this.isGoal(without.outcome)) [kept, best] = [fewer, without];
    }
    const long = kept.find(({ rungs }) => rungs.length > 1);
    if (long === undefined) return best;
    const others = kept.filter((each) => each !== long).flatMap(({ rungs }) => rungs.at(-1) ?? []);
    return this.mildest(long, others, best);
  }
}

const editKeys = ({ proposal }: Found): Set<string> =>
  new Set(proposal.edits.map((edit) => JSON.stringify([edit.field, edit.value])));

/** Whether a proposal asks for all that another asks for, and more. */
function asksMore(found: Found, other: Found): boolean {
  const [more, less] = [editKeys(found), editKeys(other)];
  return more.size > less.size && [...less].every((key) => more.has(key));
}

/** Ordered by what the person gives up: the dearest kind of each first, then how many kinds it takes. */
export function ordered(found: readonly Found[]): Found[] {
  const cost = ({ ranks }: Found): number => Math.max(...ranks);
  const enough = found.filter((each) => !found.some((other) => asksMore(each, other)));
  return enough.sort((a, b) => cost(a) - cost(b) || a.ranks.length - b.ranks.length);
}
