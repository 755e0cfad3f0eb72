import type { Linear } from '../../model/module-tree.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import { float8 } from './float8-linear.js';

const QUANTIZE = operation('to_float8');

/**
 * What Transformer Engine keeps for its products in 8 bit (transformer_engine/pytorch/module/base.py): of each input a copy
 * in the order that backward reads it, of each weight one in either order, made in the first micro-batch and kept.
 */
export class EngineFloat8 {
  private readonly weights = new Set<Linear>();

  constructor(
    private readonly engine: Engine,
    /** The parameters are the 8-bit copies, in the place of 16-bit ones. */
    private readonly parametersAreCopies: boolean,
  ) {}

  /** The 8-bit input that backward keeps in place of the input. */
  quantised(x: EngineTensor): EngineTensor {
    return this.engine.emptyUnfused(x.shape, float8, QUANTIZE);
  }

  /** Both copies of a weight, once and for good. */
  keepWeight(layer: Linear, weight: EngineTensor): void {
    if (this.parametersAreCopies || this.weights.has(layer)) return;
    this.weights.add(layer);
    const { engine } = this;
    const category = engine.recorder.bear('parameters');
    for (let copy = 0; copy < 2; copy++) engine.hold(engine.emptyUnfused(weight.shape, float8, QUANTIZE));
    engine.recorder.bear(category);
  }
}
