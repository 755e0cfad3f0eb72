import type { Argument, Returned } from '../../model/operations.js';
import { EngineTensor } from './graph.js';

/** Counts who holds a tensor: what frames need of the engine. */
export interface References {
  hold(tensor: EngineTensor): EngineTensor;
  release(tensor: EngineTensor): void;
  /** Ends a floating tensor; one that is held lives on. */
  consume(tensor: EngineTensor): void;
  /** Gives up a reference without ending the tensor: it floats again. */
  float(tensor: EngineTensor): void;
}

/** The frames of the model's Python: names hold tensors until they are bound again or their function returns. */
export class Frames {
  private readonly names: EngineTensor[] = [];
  /** Per open frame: where its arguments begin and where they end in `names`. */
  private readonly borders: number[] = [];

  constructor(private readonly references: References) {}

  enter(args: readonly Argument[]): void {
    const { names, borders, references } = this;
    borders.push(names.length);
    for (const argument of args) if (argument !== null) names.push(references.hold(argument as EngineTensor));
    borders.push(names.length);
  }

  leave<R extends Returned>(result: R): R {
    eachReturned(result, (tensor) => this.references.hold(tensor));
    this.borders.pop();
    this.dropNames(this.borders.pop()!);
    eachReturned(result, (tensor) => this.references.float(tensor));
    return result;
  }

  /** Ends what a call returned and nobody wants. */
  dismiss(result: Returned): void {
    eachReturned(result, (tensor) => this.references.consume(tensor));
  }

  keep(tensor: EngineTensor): EngineTensor {
    this.names.push(this.references.hold(tensor));
    return tensor;
  }

  rebind(old: EngineTensor, value: EngineTensor): EngineTensor {
    this.references.hold(value);
    const place = this.find(old);
    if (place < 0) this.names.push(value);
    else {
      this.names[place] = value;
      this.references.release(old);
    }
    return value;
  }

  drop(tensor: EngineTensor): void {
    const place = this.find(tensor);
    if (place < 0) return this.references.consume(tensor);
    this.names.splice(place, 1);
    this.references.release(tensor);
  }

  /** How deep frames are nested, to come back to. */
  get depth(): number {
    return this.borders.length;
  }

  /** Ends the frames above a depth without a return, as an exception does. */
  unwind(depth: number): void {
    if (this.borders.length === depth) return;
    this.dropNames(this.borders[depth]!);
    this.borders.length = depth;
  }

  /** Place of a local name of the current frame; arguments are held by the caller's tuple and never rebound. */
  private find(tensor: EngineTensor): number {
    const { names, borders } = this;
    const locals = borders.length === 0 ? 0 : borders[borders.length - 1]!;
    for (let i = names.length - 1; i >= locals; i--) if (names[i] === tensor) return i;
    return -1;
  }

  private dropNames(base: number): void {
    const { names, references } = this;
    for (let i = base; i < names.length; i++) references.release(names[i]!);
    names.length = base;
  }
}

function eachReturned(result: Returned, act: (tensor: EngineTensor) => void): void {
  if (result === null) return;
  if (result instanceof EngineTensor) act(result);
  else for (const tensor of result as readonly Argument[]) if (tensor !== null) act(tensor as EngineTensor);
}
