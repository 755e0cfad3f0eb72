import type { EngineTensor } from '../../src/memory/autograd/graph.js';
import { operation } from '../../src/memory/autograd/operation-names.js';
import { modelOnDevice } from '../../src/memory/simulate.js';
import { tinyRun } from '../../src/memory/tiny-run.spec-data.js';
import type { Architecture } from '../../src/model/definition.js';
import type { Operations, Tensor } from '../../src/model/operations.js';
import type { Task } from '../../src/run/training-run.js';

export interface SavedPerImage {
  elements: number;
  otherBytes: number;
}

export interface ImageTraining {
  architecture: Architecture;
  image: [number, number];
  task: Task;
}

const LSE_ROW = 32;
const size = (shape: readonly number[]): number => shape.reduce((product, dim) => product * dim, 1);
const roundedUp = (rows: number): number => Math.ceil(rows / LSE_ROW) * LSE_ROW;

/**
 * Elements and bytes of other types that autograd keeps of each image, counted as the shared catalog counts them: torch
 * 1.13 on the CPU, the model without its loss. There dropout keeps floats where a GPU keeps a byte, attention's result of
 * several heads is copied for the projection and its row of sums is not padded, and what average pools read is kept.
 */
export function savedPerImage(training: ImageTraining): SavedPerImage {
  const [two, four] = [savedOf(training, 2), savedOf(training, 4)];
  return { elements: (four.elements - two.elements) / 2, otherBytes: (four.otherBytes - two.otherBytes) / 2 };
}

function savedOf({ architecture, image, task }: ImageTraining, batchSize: number): SavedPerImage {
  const run = tinyRun({ imageSize: image, sequenceLength: null, microBatchSize: batchSize, task });
  const options = { iterations: 1, gradientAddition: 'in-place', computeCapability: 8 } as const;
  const { engine, operations, sizes, states } = modelOnDevice(run, architecture, options);
  const kept = new Map<EngineTensor['storage'], EngineTensor>();
  const save = engine.save.bind(engine);
  engine.save = (node, tensor) => {
    if (node !== null) kept.set(tensor.storage, tensor);
    save(node, tensor);
  };
  const inputs = architecture.inputs(sizes).map(({ name, shape, dtype, madeBy }) => {
    const tensor = engine.hold(engine.empty(shape, dtype, operation(madeBy)));
    return [name, tensor] as const;
  });
  engine.recorder.phase('forward', 1);
  const watched = watching(operations[0]!);
  architecture.forward(watched.operations, new Map<string, Tensor>(inputs), sizes);
  for (const tensor of [
    ...inputs.map(([, given]) => given),
    ...states.flatMap(({ parameters, buffers }) => [...parameters, ...buffers]),
  ])
    kept.delete(tensor.storage);
  return total(
    [...kept.values()],
    watched.more((tensor) => kept.has((tensor as EngineTensor).storage)),
  );
}

function total(kept: readonly EngineTensor[], more: number): SavedPerImage {
  const saved = { elements: more, otherBytes: 0 };
  for (const { dtype, storage } of kept) {
    if (dtype.name === 'bool') saved.elements += storage.bytes;
    else if (dtype.name === 'float32') saved.elements += storage.bytes / 4;
    else saved.otherBytes += storage.bytes;
  }
  return saved;
}

/** Operations that note what the catalog counts otherwise. */
function watching(operations: Operations): {
  operations: Operations;
  more: (isKept: (tensor: Tensor) => boolean) => number;
} {
  let more = 0;
  const pooled = new Set<Tensor>();
  const pools = <Rest extends unknown[], Result>(pool: (x: Tensor, ...rest: Rest) => Result) => {
    return (x: Tensor, ...rest: Rest): Result => {
      pooled.add(x);
      return pool(x, ...rest);
    };
  };
  const watched: Operations = {
    ...operations,
    mean: pools(operations.mean.bind(operations)),
    adaptiveAvgPool2d: pools(operations.adaptiveAvgPool2d.bind(operations)),
    adaptiveAveragePool: pools(operations.adaptiveAveragePool.bind(operations)),
    scaledDotProductAttention: (query, ...rest) => {
      const [batch, heads, rows] = query.shape as [number, number, number, number];
      more += (heads > 1 ? size(query.shape) : 0) - batch * heads * (roundedUp(rows) - rows);
      return operations.scaledDotProductAttention(query, ...rest);
    },
    crossEntropy: (logits, ...rest) => {
      more -= size(logits.shape);
      return operations.crossEntropy(logits, ...rest);
    },
  };
  return {
    operations: watched,
    more: (isKept) => [...pooled].filter((x) => !isKept(x)).reduce((sum, { shape }) => sum + size(shape), more),
  };
}
