import type { TrainingRun } from '../../../run/training-run.js';
import { canWrite } from '../program-flags.js';
import { SHORT_EVERYWHERE } from '../proposal.js';
import type { AdviceKind, Edit, Subject } from '../proposal.js';

const RANK = 16;
const TASKS = new Set(['causal-lm', 'seq2seq', 'sequence-classification', 'token-classification', 'preference']);
const COST = `trains adapters of rank ${RANK}, not the weights: the result is not that of full fine-tuning`;

/** Dropout before the adapters where nothing is said of it: trl/trainer/model_config.py, lora_dropout. */
const TRL_DROPOUT = 0.05;

const adapters = ({ program }: TrainingRun): readonly Edit[] => [
  { field: 'peft.method', value: 'lora' },
  { field: 'peft.rank', value: RANK },
  { field: 'peft.targetModules', value: 'all-linear' },
  { field: 'peft.dropout', value: /^TRL /.test(program.value?.name ?? '') ? TRL_DROPOUT : 0 },
];

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
    return [{ edits: adapters(subject.run), costs: [COST] }];
  },
};

/** Adapters beside weights of 4 bits: arXiv 2305.14314. */
export const qlora: AdviceKind = {
  name: 'qlora',
  answers: SHORT_EVERYWHERE,
  price: 'result',
  combines: true,
  ladder(subject) {
    const { quantization, peft } = subject.values;
    const adapted = peft.method === 'lora' || peft.method === 'dora';
    if (quantization !== 'none' || (!adapted && peft.method !== 'none') || !hasWeights(subject)) return [];
    if (!canWrite(subject, 'quantization') || !canWrite(subject, 'peft.method')) return [];
    const base = 'frozen weights of 4 bits: slower steps, a little less accurate';
    const quantised: Edit = { field: 'quantization', value: 'nf4' };
    return [
      { edits: adapted ? [quantised] : [...adapters(subject.run), quantised], costs: adapted ? [base] : [COST, base] },
    ];
  },
};
