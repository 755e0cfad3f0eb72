import { float32 } from '../../model/dtype.js';
import type { OptimizerName, RunValues } from '../../run/training-run.js';
import type { ElementwiseRule, Temporary } from './element-wise.js';
import { elementwise } from './element-wise.js';
import type { Optimizer } from './optimizer.js';

type Rule = (decays: boolean) => ElementwiseRule;

/** Weight decay as part of the gradient makes a copy of it: `grad.add(param, alpha=weight_decay)`. */
const decayed = (decays: boolean, lifetime: Temporary[1] = 'reset'): Temporary[] => (decays ? [['add', lifetime]] : []);

const TWO: readonly string[] = ['zeros_like', 'zeros_like'];

/** torch/optim/nadam.py of PyTorch 2.9. Its running product sits on the CPU. */
const nadam: Rule = (decays) => ({
  states: TWO,
  foreach: [...decayed(decays), ['sqrt', 'local']],
  single: [...decayed(decays), ['div', 1], ['sqrt', 'local']],
});

/**
 * torch/optim/radam.py: the decayed gradients are deleted before the buffer is made. The loop is as from the sixth step
 * on, where the variance is rectified.
 */
const radam: Rule = (decays) => ({
  states: TWO,
  foreach: [...decayed(decays, 'before-next'), ['sqrt', 'local']],
  single: [
    ...decayed(decays),
    ['div', 'local'],
    ['mul', 4],
    ['sqrt', 2],
    ['reciprocal', 1],
    ['mul', 1],
    ['mul', 1],
    ['mul', 0],
  ],
});

/** torch/optim/adamax.py: the absolute value takes the place of a gradient that was copied for its decay. */
const adamax: Rule = (decays) => ({
  states: TWO,
  foreach: decays ? decayed(true) : [['abs', 'local']],
  single: [...decayed(decays), ['abs', 0]],
});

/** torch/optim/adagrad.py: the sum is made with the optimizer. */
const adagrad: Rule = (decays) => ({
  states: ['full_like'],
  early: true,
  foreach: decays
    ? [...decayed(true), ['sqrt', 'local']]
    : [
        ['sqrt', 'local'],
        ['mul', 'local'],
      ],
  single: [...decayed(decays), ['sqrt', 'local']],
});

/** torch/optim/adadelta.py. */
const adadelta: Rule = (decays) => ({
  states: TWO,
  foreach: [...decayed(decays), ['add', 'local'], ['add', 'local']],
  single: [...decayed(decays), ['add', 'local'], ['add', 'local']],
});

/** Lion: one moment and the update whose sign is taken (timm/optim/lion.py); decay is of the weights themselves. */
const lion: Rule = () => ({
  states: ['zeros_like'],
  foreach: [['lerp', 'local']],
  single: [['lerp', 'local']],
});

/** LAMB as a loop with gradients clipped to a norm of one in a copy (timm/optim/lamb.py). */
const lamb: Rule = () => ({
  states: TWO,
  single: [
    ['div', 'reset'],
    ['sqrt', 1],
    ['div', 'local'],
    ['div', 'local'],
  ],
});

/** schedulefree/adamw_schedulefree.py: a second copy of the weights, and the second moment with its root. */
const scheduleFreeAdamW: Rule = () => ({
  states: ['clone', 'zeros_like'],
  foreach: [['sqrt', 'local']],
  single: [['sqrt', 'local']],
});

/** schedulefree/sgd_schedulefree.py: a second copy of the weights; gradients are decayed in place. */
const scheduleFreeSgd: Rule = () => ({ states: ['clone'], foreach: [], single: [] });

/** Adan (pytorch-optimizer, as the authors' code): three moments and the gradient before. */
const adan: Rule = () => ({
  states: ['zeros_like', 'zeros_like', 'zeros_like', 'clone'],
  foreach: [['sqrt', 'local']],
  single: [['sqrt', 'local']],
});

/** Sophia-H: momentum and an average of the Hessian's diagonal, of which a clamped copy is made. */
const sophia: Rule = () => ({ states: TWO, foreach: [['clamp', 'local']], single: [['clamp', 'local']] });

/** AdEMAMix: two averages of gradients and one of their squares (the authors' code; bitsandbytes has it fused). */
const ademamix: Rule = () => ({
  states: ['zeros_like', 'zeros_like', 'zeros_like'],
  foreach: [
    ['sqrt', 'local'],
    ['add', 'local'],
  ],
  single: [
    ['sqrt', 'local'],
    ['add', 'local'],
  ],
});

/** Stable AdamW (pytorch-optimizer, optimi): each parameter's step is scaled by one number more than AdamW's. */
const stableAdamW: Rule = () => ({ states: TWO, foreach: [['sqrt', 'local']], single: [['sqrt', 'local']] });

/** LOMO: plain descent as gradients come, with nothing kept. */
const lomo: Rule = () => ({ states: [], foreach: [], single: [] });

const RULES: Partial<Record<OptimizerName, Rule>> = {
  nadam,
  radam,
  adamax,
  adagrad,
  adadelta,
  lion,
  lamb,
  adan,
  sophia,
  ademamix,
  lomo,
  'stable-adamw': stableAdamW,
  'schedule-free-adamw': scheduleFreeAdamW,
  'schedule-free-sgd': scheduleFreeSgd,
};

/** Those that exist as fused kernels of apex, DeepSpeed or bitsandbytes, with states in fp32. */
const FUSED: ReadonlySet<OptimizerName> = new Set(['lion', 'lamb', 'ademamix']);

/** The optimizer of that name, if it works element by element; undefined if not, or not in this implementation. */
export function elementwiseOptimizer(values: RunValues['optimizer']): Optimizer | undefined {
  const { name, implementation, weightDecay } = values;
  const rule = RULES[name]?.(weightDecay > 0);
  if (rule === undefined) return undefined;
  if (implementation === 'foreach' && rule.foreach !== undefined) return elementwise(rule, 'foreach');
  if (implementation === 'foreach' || implementation === 'for-loop') return elementwise(rule, 'single');
  if (implementation !== 'fused') return undefined;
  if (FUSED.has(name)) return elementwise({ ...rule, stateType: float32 }, 'fused');
  return elementwise(rule, 'foreach');
}
