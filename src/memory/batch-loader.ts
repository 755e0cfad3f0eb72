import type { Architecture, BatchSizes, InputSpec } from '../model/definition.js';
import { uint8 } from '../model/dtype.js';
import type { Engine } from './autograd/engine.js';
import type { EngineTensor } from './autograd/graph.js';
import { operation } from './autograd/operation-names.js';

/** Tensors of a batch by name, held. */
export type HeldBatch = Map<string, EngineTensor>;

/** Puts the next batch on the device. */
export type BatchLoader = () => HeldBatch;

/** The loader's own stream; the pools of the allocator are by stream. */
const COPY_STREAM = 6;

/** More than any loader keeps; a run may declare any number. */
const MOST_AHEAD = 64;

interface Source {
  engine: Engine;
  architecture: Architecture;
  sizes: BatchSizes;
}

/**
 * What a data loader has on the device. Without `ahead` each batch is copied when it is asked for. With it, as many of the
 * batches after it are there already, copied on a stream of the loader's own; images come as bytes and are made numbers
 * there (timm/data/loader.py, PrefetchLoader).
 */
export function batchLoader(source: Source, ahead: number): BatchLoader {
  if (ahead === 0) return () => copied(source);
  const waiting: HeldBatch[] = [];
  return () => {
    while (waiting.length <= Math.min(ahead, MOST_AHEAD)) waiting.push(prefetched(source));
    return waiting.shift()!;
  };
}

const specsOf = ({ architecture, sizes }: Source): readonly InputSpec[] => architecture.inputs(sizes);

const copied = (source: Source): HeldBatch =>
  new Map(specsOf(source).map((spec) => [spec.name, made(source.engine, spec)]));

function prefetched(source: Source): HeldBatch {
  const { engine } = source;
  const before = engine.stream;
  engine.stream = COPY_STREAM;
  const batch = new Map(specsOf(source).map((spec) => [spec.name, fromBytes(engine, spec)]));
  engine.stream = before;
  return batch;
}

const made = (engine: Engine, { shape, dtype, madeBy }: InputSpec): EngineTensor =>
  engine.hold(engine.empty(shape, dtype, operation(madeBy)));

/** The bytes of an image live until its numbers are there. */
function fromBytes(engine: Engine, spec: InputSpec): EngineTensor {
  if (!spec.dtype.floating) return made(engine, spec);
  const bytes = made(engine, { ...spec, dtype: uint8 });
  const numbers = made(engine, spec);
  engine.release(bytes);
  return numbers;
}
