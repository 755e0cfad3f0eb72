import { canTell, canWrite } from '../program-flags.js';
import { SHORT_EVERYWHERE } from '../proposal.js';
import type { AdviceKind, Edit, Subject } from '../proposal.js';

const RANK = 16;
const TASKS = new Set(['causal-lm', 'seq2seq', 'sequence-classification', 'token-classification', 'preference']);
const COST = `trains adapters of rank ${RANK}, not the weights: the result is not that of full fine-tuning`;

const COST_OF_4_BITS = 'frozen weights of 4 bits: slower steps, a little less accurate';

/** Adapters as the program has them: where it cannot be told the layers, on those that it chooses itself. */
function adapters({ options }: Subject): readonly Edit[] {
  const { dropout, targetModules } = options?.adapters ?? { dropout: 0, targetModules: 'all-linear' };
  const isTold = options?.writers['peft.targetModules'] !== undefined;
  return [
    { field: 'peft.method', value: 'lora' },
    { field: 'peft.rank', value: RANK },
    { field: 'peft.targetModules', value: isTold ? 'all-linear' : targetModules },
    { field: 'peft.dropout', value: dropout },
  ];
}

/** Adapters stand on released weights: a model that is only described is trained from nothing. */
const hasWeights = ({ values, modelType }: Subject): boolean =>
  modelType !== null && values.model !== null && values.model.config === null && TASKS.has(values.task);

/** Low-rank adapters beside frozen weights: arXiv 2106.09685. */
export const lora: AdviceKind = {
  name: 'lora',
  answers: SHORT_EVERYWHERE,
  price: 'result',
  combines: true,
  ladder(subject) {
    const adapts = subject.values.peft.method === 'none' && subject.values.quantization === 'none';
    if (!adapts || !hasWeights(subject) || !canWrite(subject, 'peft.method')) return [];
    return [{ edits: adapters(subject), costs: [COST] }];
  },
};

/** Programs that quantise the scales as well have no option not to. */
const FOUR_BITS = ['nf4', 'nf4-double'] as const;

/** Trainings that leave the weights themselves as they are, or can be made to. */
const QUANTISABLE: ReadonlySet<string> = new Set(['none', 'lora', 'dora']);

const takesQuantisation = (subject: Subject): boolean =>
  subject.values.quantization === 'none' &&
  hasWeights(subject) &&
  canWrite(subject, 'quantization') &&
  canWrite(subject, 'peft.method');

/** Adapters beside weights of 4 bits: arXiv 2305.14314. */
export const qlora: AdviceKind = {
  name: 'qlora',
  answers: SHORT_EVERYWHERE,
  price: 'result',
  combines: true,
  ladder(subject) {
    const { method } = subject.values.peft;
    if (!QUANTISABLE.has(method) || !takesQuantisation(subject)) return [];
    const adapted = method !== 'none';
    const ways = FOUR_BITS.map((value): Edit => ({ field: 'quantization', value }));
    const base: readonly Edit[] = adapted ? [] : adapters(subject);
    const quantised = ways.find((edit) => canTell(edit, { ...subject, edits: [...base, edit] }));
    if (quantised === undefined) return [];
    return [{ edits: [...base, quantised], costs: adapted ? [COST_OF_4_BITS] : [COST, COST_OF_4_BITS] }];
  },
};
