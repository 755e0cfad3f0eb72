import type { DType } from '../../model/dtype.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import { elementCount } from '../autograd/strides.js';

const PLACE = operation('model.to');
const BROADCAST = operation('fsdp.broadcast_coalesced');
const FLATTEN = operation('fsdp.flatten_parameters');

/** PARAM_BROADCAST_BUCKET_SIZE (torch/distributed/fsdp/_init_utils.py). */
const BUCKET_BYTES = 250 * 2 ** 20;
/** max_in_flight of `broadcast_coalesced` (torch/csrc/distributed/c10d/comm.cpp). */
const BUCKETS_IN_FLIGHT = 2;

export interface Wrapping {
  trained: DType;
  frozen: DType;
  /** The first rank hands its parameters to the others (`sync_module_states`). */
  synchronises: boolean;
}

const elementsOf = (tensors: readonly EngineTensor[]): number =>
  tensors.reduce((sum, { shape }) => sum + elementCount(shape), 0);

const bytesOf = ({ shape, dtype }: EngineTensor): number => elementCount(shape) * dtype.bytes;

/**
 * FullyShardedDataParallel's constructor over a unit of a model that lies in the host's memory or nowhere yet
 * (`_init_param_handle_from_module`, `_init_flat_param_and_metadata`): its parameters are made on the device one by one,
 * and copied into one flat tensor of what is trained and one of what is frozen. Returns these, held; the rank's slices
 * are copied from them before they go. What the constructor leaves behind free is what training finds reserved.
 */
export function flattened(
  engine: Engine,
  parameters: readonly EngineTensor[],
  { trained, frozen, synchronises }: Wrapping,
): readonly EngineTensor[] {
  const own = parameters.map(({ shape, requiresGrad }) =>
    engine.keep(engine.empty(shape, requiresGrad ? trained : frozen, PLACE)),
  );
  if (synchronises) broadcast(engine, own);
  const parts = [true, false].map((isTrained) => own.filter((_, i) => parameters[i]!.requiresGrad === isTrained));
  const flat = parts
    .filter(({ length }) => length > 0)
    .map((part) => engine.keep(engine.empty([elementsOf(part)], part[0]!.dtype, FLATTEN)));
  for (const tensor of own) engine.drop(tensor);
  return flat;
}

/** Tensors go out in buckets, each of them copied together; a tensor that fills one by itself goes as it is. */
function broadcast(engine: Engine, tensors: readonly EngineTensor[]): void {
  const inFlight: EngineTensor[] = [];
  for (const bucket of bucketsOf(tensors)) {
    if (bucket.length === 1) continue;
    if (inFlight.length === BUCKETS_IN_FLIGHT) engine.drop(inFlight.shift()!);
    inFlight.push(engine.keep(engine.empty([elementsOf(bucket)], bucket[0]!.dtype, BROADCAST)));
  }
  for (const buffer of inFlight) engine.drop(buffer);
}

/** A bucket is closed by the tensor that fills it; types do not mix (compute_bucket_assignment_by_size). */
function bucketsOf(tensors: readonly EngineTensor[]): readonly (readonly EngineTensor[])[] {
  const buckets: EngineTensor[][] = [];
  const open = new Map<DType, { tensors: EngineTensor[]; bytes: number }>();
  for (const tensor of tensors) {
    const bucket = open.get(tensor.dtype) ?? { tensors: [], bytes: 0 };
    bucket.tensors.push(tensor);
    bucket.bytes += bytesOf(tensor);
    open.set(tensor.dtype, bucket);
    if (bucket.bytes < BUCKET_BYTES) continue;
    buckets.push(bucket.tensors);
    open.delete(tensor.dtype);
  }
  return [...buckets, ...[...open.values()].map((bucket) => bucket.tensors)];
}
