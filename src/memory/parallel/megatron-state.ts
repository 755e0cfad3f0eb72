import type { DType } from '../../model/dtype.js';
import { float32 } from '../../model/dtype.js';
import type { Shape } from '../../model/module-tree.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import { onHost } from '../host-memory.js';
import { elementsOf } from './zero.js';

const PLACE = operation('model.to');
const GRADIENT_BUFFER = operation('megatron.grad_buffer');
const MAIN_PARAMETERS = operation('megatron.main_parameters');
const MAIN_GRADIENTS = operation('megatron.main_gradients');

export interface MegatronOptions {
  /** Ranks over which the optimizer's state is spread; 1: each has all of it. */
  ranks: number;
  /** The same of the state of experts, of which fewer ranks have the same ones. */
  expertRanks: number;
  /** fp32 parameters and states lie in the host's memory. */
  offloads: boolean;
  /** Type of the parameters that the model computes with. */
  computeType: DType;
  /** Type of the buffer that gradients are added to, micro-batch by micro-batch. */
  gradientType: DType;
}

/**
 * Megatron-core's buffer of gradients and its optimizer of 16-bit parameters (megatron/core/distributed,
 * param_and_grad_buffer.py; optimizer/optimizer.py and distrib_optimizer.py): gradients that autograd makes are added to
 * one buffer and dropped; fp32 parameters and states are this rank's share of all.
 */
export class MegatronState {
  private main: EngineTensor | null = null;
  private elements = 0;
  private readonly experts = new Set<EngineTensor>();
  private expertElements = 0;

  constructor(
    private readonly engine: Engine,
    private readonly options: MegatronOptions,
  ) {}

  /** A parameter of the rank's part of the model. */
  place(shape: Shape, path: string): EngineTensor {
    const { engine, options } = this;
    const tensor = engine.hold(engine.empty(shape, options.computeType, PLACE));
    if (/(^|\.)experts\./.test(path)) this.experts.add(tensor);
    return tensor;
  }

  /** Makes the buffer and, unless parameters are in fp32 and whole, this rank's share of them in fp32; returns what the optimizer steps. */
  begin(trained: readonly EngineTensor[]): readonly EngineTensor[] {
    const { engine, options } = this;
    this.expertElements = elementsOf(trained.filter((tensor) => this.experts.has(tensor)));
    this.elements = elementsOf(trained);
    engine.gradientHook = (parameter) => this.addToBuffer(parameter);
    const buffer = this.lasting(this.elements, options.gradientType, GRADIENT_BUFFER, 'gradients');
    const isItsOwn = options.computeType === float32 && options.ranks === 1;
    const stepped = isItsOwn
      ? engine.hold(engine.viewOf(buffer, [this.share], null))
      : this.lasting(this.share, float32, MAIN_PARAMETERS, 'optimizer-state');
    stepped.requiresGrad = true;
    this.main = stepped;
    if (options.gradientType === float32) stepped.gradient = engine.hold(engine.viewOf(buffer, [this.share], null));
    return [stepped];
  }

  private get share(): number {
    const { ranks, expertRanks } = this.options;
    const dense = this.elements - this.expertElements;
    return Math.ceil(dense / ranks) + Math.ceil(this.expertElements / expertRanks);
  }

  /** fp32 gradients of the step, where the buffer is in 16 bit. */
  beforeStep(): void {
    if (this.options.gradientType === float32) return;
    this.main!.gradient = this.engine.hold(this.engine.empty([this.share], float32, MAIN_GRADIENTS));
  }

  afterStep(): void {
    if (this.options.gradientType === float32) return;
    this.engine.release(this.main!.gradient!);
    this.main!.gradient = null;
  }

  private addToBuffer(parameter: EngineTensor): void {
    const { gradient } = parameter;
    if (gradient === null) return;
    parameter.gradient = null;
    this.engine.recorder.categorise(gradient.storage.block, 'temporaries');
    this.engine.release(gradient);
  }

  private lasting(
    elements: number,
    dtype: DType,
    name: number,
    category: 'optimizer-state' | 'gradients',
  ): EngineTensor {
    const offloads = this.options.offloads && category === 'optimizer-state';
    const tensor = onHost(this.engine, offloads, () => this.engine.hold(this.engine.empty([elements], dtype, name)));
    this.engine.recorder.categorise(tensor.storage.block, category);
    return tensor;
  }
}
