import type { Architecture } from '../../model/definition.js';
import type { RunValues } from '../../run/training-run.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor } from '../autograd/graph.js';
import { sameShape } from '../autograd/strides.js';
import type { ModelState } from '../model-state.js';
import { tensorsWithin } from '../model-state.js';
import { quantisedCodeOf } from '../precision/quantised-code.js';
import type { ParallelStrategy } from '../parallel/parallelism.js';
import { LayerRepetition } from './layer-repetition.js';
import type { LayerRun } from './layer-runs.js';
import { layerRuns } from './layer-runs.js';
import { NotRepeated } from './not-repeated.js';

/** Runs of layers of which only those at the ends need be run; none where something is done to some layers only. */
export function equalLayers(run: RunValues, { root }: Architecture): readonly LayerRun[] {
  const { activationCheckpointing, parallelism } = run;
  // What a layer's functions hold by their contexts ends an iteration later, long after the layer is through.
  if (quantisedCodeOf(run)?.holdsInput) return [];
  const isDoneToAll = typeof activationCheckpointing === 'string' || 'modules' in activationCheckpointing;
  return isDoneToAll ? layerRuns(root.blocks, reachOf(parallelism)) : [];
}

/**
 * A layer is done with what its neighbours made. FSDP's first version gives a unit up only once the next one is there,
 * which was gathered a layer ahead, and the last one is gathered otherwise.
 */
const reachOf = ({ sharding, fsdpVersion }: RunValues['parallelism']): number =>
  fsdpVersion === 1 && /^(fsdp|hsdp)/.test(sharding) ? 3 : 1;

/** What a repetition needs of the model on the device. */
export interface PlacedModel {
  architecture: Architecture;
  state: ModelState;
  strategy: ParallelStrategy;
}

/** The repetition of a placed model's layers, null where there is none; NotRepeated where they are not placed alike. */
export function repetitionOf(runs: readonly LayerRun[], engine: Engine, placed: PlacedModel): LayerRepetition | null {
  if (runs.length === 0) return null;
  const { architecture, state, strategy } = placed;
  const tensorsOf = (layer: number): readonly EngineTensor[] =>
    tensorsWithin(state, architecture.root.blocks[layer]!.scope);
  for (const run of runs) requireAlike(run, tensorsOf);
  return new LayerRepetition(engine, runs, (layer) => {
    const tensors = tensorsOf(layer);
    return strategy.leavesOf?.(layer, tensors) ?? tensors;
  });
}

function requireAlike({ first, last }: LayerRun, tensorsOf: (layer: number) => readonly EngineTensor[]): void {
  const model = tensorsOf(first);
  for (let layer = first + 1; layer <= last; layer++) {
    const tensors = tensorsOf(layer);
    const isAlike = tensors.length === model.length && tensors.every((tensor, i) => isPlacedAlike(tensor, model[i]!));
    if (!isAlike) throw new NotRepeated();
  }
}

const isPlacedAlike = (one: EngineTensor, other: EngineTensor): boolean =>
  one.requiresGrad === other.requiresGrad && one.dtype === other.dtype && sameShape(one.shape, other.shape);
