import type { Engine } from '../autograd/engine.js';
import type { EngineTensor } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import { elementCount } from '../autograd/strides.js';
import type { DType } from '../../model/dtype.js';

const BUCKET = operation('ddp.bucket');

const MIB = 2 ** 20;
/** torch/csrc/distributed/c10d/reducer.hpp and torch/nn/parallel/distributed.py */
const FIRST_BUCKET_BYTES = MIB;
const BUCKET_BYTES = 25 * MIB;

interface Bucket {
  dtype: DType;
  bytes: number;
  parameters: EngineTensor[];
}

/** Gradients in the order in which backward makes them, in buckets of at least the limit's size, by type. */
export function assignBuckets(parameters: readonly EngineTensor[]): Bucket[] {
  const done: Bucket[] = [];
  const open = new Map<DType, Bucket>();
  for (const parameter of [...parameters].reverse()) {
    const bucket = open.get(parameter.dtype) ?? { dtype: parameter.dtype, bytes: 0, parameters: [] };
    open.set(parameter.dtype, bucket);
    bucket.parameters.push(parameter);
    bucket.bytes += elementCount(parameter.shape) * parameter.dtype.bytes;
    if (bucket.bytes < (done.length === 0 ? FIRST_BUCKET_BYTES : BUCKET_BYTES)) continue;
    done.push(bucket);
    open.delete(parameter.dtype);
  }
  return [...done, ...open.values()];
}

/**
 * DistributedDataParallel's reducer: all-reduce buckets beside the gradients, made anew once the order of gradients is
 * known. With `gradient_as_bucket_view` the gradients live in the buckets and what autograd computes is copied there.
 */
export class DistributedDataParallel {
  private buckets: EngineTensor[] = [];
  private readonly homes = new Map<EngineTensor, EngineTensor>();
  private iterations = 0;
  private trained: readonly EngineTensor[] = [];

  constructor(
    private readonly engine: Engine,
    private readonly gradientAsBucketView: boolean,
  ) {}

  /** Makes the first buckets, as the wrapper's constructor does. */
  begin(trained: readonly EngineTensor[]): void {
    this.trained = trained;
    this.build();
    if (this.gradientAsBucketView) this.engine.gradientHook = (parameter) => this.moveIntoBucket(parameter);
  }

  /** Buckets are rebuilt once, before the second forward pass. */
  beforeForward(): void {
    if (++this.iterations !== 2) return;
    const held = this.buckets;
    this.buckets = [];
    this.homes.clear();
    for (const bucket of held) this.engine.release(bucket);
    this.build();
  }

  private build(): void {
    const { engine } = this;
    const category = engine.recorder.bear(this.gradientAsBucketView ? 'gradients' : 'communication');
    for (const { dtype, bytes, parameters } of assignBuckets(this.trained)) {
      const bucket = engine.hold(engine.empty([bytes / dtype.bytes], dtype, BUCKET));
      this.buckets.push(bucket);
      for (const parameter of parameters) this.homes.set(parameter, bucket);
    }
    engine.recorder.bear(category);
  }

  private moveIntoBucket(parameter: EngineTensor): void {
    const bucket = this.homes.get(parameter);
    const gradient = parameter.gradient;
    if (bucket === undefined || gradient === null || gradient.storage === bucket.storage) return;
    const { engine } = this;
    engine.recorder.categorise(gradient.storage.block, 'temporaries');
    parameter.gradient = engine.hold(engine.viewOf(bucket, parameter.shape, null));
    engine.release(gradient);
  }
}
