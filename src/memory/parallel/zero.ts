import type { DType } from '../../model/dtype.js';
import { float32 } from '../../model/dtype.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import { elementCount } from '../autograd/strides.js';
import { onHost } from '../host-memory.js';

const MASTER = operation('zero.fp32_partition');
const GRADIENT_PARTITION = operation('zero.gradient_partition');
const BUCKET = operation('zero.reduce_bucket');
const FLATTEN = operation('zero.flatten');

/** How gradients are gathered before they are reduced (`contiguous_gradients`). */
export interface ReduceBuckets {
  /** `reduce_bucket_size`: made whole, however few parameters there are (`setup_buckets`, `_setup_for_real_optimizer`). */
  elements: number;
  /** Two alternate where communication overlaps with backward (`overlap_comm`); stage 3 has one all the same. */
  count: 1 | 2;
}

export interface ZeroOptions {
  stage: 1 | 2 | 3;
  ranks: number;
  /** fp32 parameters, gradients for the step and states lie in the host's memory. */
  offloads: boolean;
  /** Type of the parameters and gradients that the model computes with. */
  computeType: DType;
  buckets: ReduceBuckets;
}

/**
 * What DeepSpeed's ZeRO optimizer keeps beside the model: this rank's fp32 copy of the parameters, its part of the
 * gradients, and the buckets through which gradients are reduced (deepspeed/runtime/zero/stage_1_and_2.py, stage3.py).
 */
export class ZeroOptimizerState {
  private master: EngineTensor | null = null;
  private partition: EngineTensor | null = null;
  private buckets: EngineTensor[] = [];
  private elements = 0;

  constructor(
    private readonly engine: Engine,
    private readonly options: ZeroOptions,
  ) {}

  /** Makes the fp32 partition: what the optimizer steps. `elements` of all ranks together. */
  begin(elements: number): EngineTensor {
    this.elements = elements;
    this.master = this.lasting(this.share, float32, MASTER, 'optimizer-state');
    this.master.requiresGrad = true;
    if (this.options.stage !== 3) return this.master;
    this.lasting(this.options.buckets.elements, this.options.computeType, BUCKET, 'communication');
    this.partition = this.lasting(this.share, this.options.computeType, GRADIENT_PARTITION, 'gradients');
    return this.master;
  }

  private get share(): number {
    return Math.ceil(this.elements / this.options.ranks);
  }

  /** Stage 2 makes its buckets anew for each backward pass; stage 1 has none. */
  beforeBackward(): void {
    const { stage, buckets, computeType } = this.options;
    if (stage !== 2) return;
    for (let i = 0; i < buckets.count; i++)
      this.buckets.push(this.lasting(buckets.elements, computeType, BUCKET, 'communication'));
  }

  /** A gradient that has been copied into its bucket: from stage 2 on nothing of it is left but this rank's part. */
  takeGradient(parameter: EngineTensor): void {
    if (this.options.stage === 1 || parameter.gradient === null) return;
    const { gradient } = parameter;
    parameter.gradient = null;
    this.partition ??= this.lasting(this.share, this.options.computeType, GRADIENT_PARTITION, 'gradients');
    this.engine.release(gradient);
  }

  afterBackward(): void {
    for (const bucket of this.buckets) this.engine.release(bucket);
    this.buckets = [];
  }

  /** The gradient partition in fp32, for the optimizer. */
  beforeStep(): void {
    onHost(this.engine, this.options.offloads, () => this.raiseGradients());
  }

  private raiseGradients(): void {
    const { engine } = this;
    const flat = engine.hold(engine.empty([this.share], this.options.computeType, FLATTEN));
    this.master!.gradient = engine.hold(engine.empty([this.share], float32, FLATTEN));
    engine.release(flat);
  }

  afterStep(): void {
    this.engine.release(this.master!.gradient!);
    this.master!.gradient = null;
    if (this.options.stage !== 2 || this.partition === null) return;
    this.engine.release(this.partition);
    this.partition = null;
  }

  private lasting(
    elements: number,
    dtype: DType,
    name: number,
    category: 'optimizer-state' | 'gradients' | 'communication',
  ): EngineTensor {
    const offloads = this.options.offloads && category !== 'communication';
    const tensor = onHost(this.engine, offloads, () => this.engine.hold(this.engine.empty([elements], dtype, name)));
    this.engine.recorder.categorise(tensor.storage.block, category);
    return tensor;
  }
}

/** Elements of tensors, together. */
export const elementsOf = (tensors: readonly EngineTensor[]): number =>
  tensors.reduce((sum, { shape }) => sum + elementCount(shape), 0);
