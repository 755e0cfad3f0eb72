import { float32, float64 } from '../../model/dtype.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor, Formula } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';

const MUL = operation('mul');

/** loss * scale: the scale needs no gradient, so only it is kept. */
const SCALE_FORMULA: Formula = {
  operation: MUL,
  apply: (workspace, node) => [workspace.empty([], node.gradient.dtype, MUL)],
};

/** torch.amp.GradScaler: its scale and growth tracker are made by the first `scale()` and stay. */
export class GradScaler {
  private scaleFactor: EngineTensor | null = null;

  scale(engine: Engine, loss: EngineTensor): EngineTensor {
    this.scaleFactor ??= this.begin(engine);
    const node = engine.record(SCALE_FORMULA, [loss]);
    engine.save(node, this.scaleFactor);
    return engine.attach(engine.empty([], loss.dtype, MUL), node);
  }

  /** `step()` and `update()`: gradients are unscaled in place, `found_inf` lives until the update. */
  step(engine: Engine, update: () => void): void {
    const scalar = (name: string, dtype = float32): EngineTensor =>
      engine.hold(engine.empty([], dtype, operation(name)));
    const precise = scalar('to_copy', float64);
    const inverse = scalar('reciprocal', float64);
    engine.release(precise);
    const lowered = scalar('to_copy');
    engine.release(inverse);
    const found = scalar('full');
    const foundHere = scalar('to_copy');
    const inverseHere = scalar('to_copy');
    for (const tensor of [inverseHere, lowered, found]) engine.release(tensor);
    update();
    engine.release(foundHere);
  }

  private begin(engine: Engine): EngineTensor {
    const scale = engine.hold(engine.empty([], float32, operation('full')));
    const growth = engine.hold(engine.empty([], float32, operation('full')));
    for (const tensor of [scale, growth]) engine.recorder.categorise(tensor.storage.block, 'optimizer-state');
    return scale;
  }
}
