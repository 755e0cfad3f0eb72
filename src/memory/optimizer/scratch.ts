import type { DType } from '../../model/dtype.js';
import type { Shape } from '../../model/module-tree.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';

/** Results that an optimizer's loop over parameters makes: each is held until it is let go by name. */
export class Scratch {
  private readonly held = new Map<string, EngineTensor>();

  constructor(private readonly engine: Engine) {}

  /** `name = ...`: what the name held dies once the new value is there. */
  bind(name: string, shape: Shape, dtype: DType): void {
    const old = this.held.get(name);
    this.held.set(name, this.engine.hold(this.engine.empty(shape, dtype, operation(name))));
    if (old) this.engine.release(old);
  }

  /** A value that nothing names: it dies at once. */
  pass(name: string, shape: Shape, dtype: DType): void {
    this.engine.release(this.engine.hold(this.engine.empty(shape, dtype, operation(name))));
  }

  /** A new value for a name that keeps its old one until `settle`. */
  add(name: string, shape: Shape, dtype: DType): void {
    this.bind(`new ${name}`, shape, dtype);
  }

  /** The name takes its new value, or none: the old one dies. */
  settle(name: string): void {
    this.drop(name);
    const value = this.held.get(`new ${name}`);
    if (value === undefined) return;
    this.held.delete(`new ${name}`);
    this.held.set(name, value);
  }

  drop(...names: readonly string[]): void {
    for (const name of names) {
      const held = this.held.get(name);
      if (held === undefined) continue;
      this.engine.release(held);
      this.held.delete(name);
    }
  }

  /** The loop's end: every name goes. */
  end(): void {
    this.drop(...this.held.keys());
  }
}
