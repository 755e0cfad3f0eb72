import type { Block, Linear, Scope } from '../../model/module-tree.js';

/** Layers of one kind, one after another, by the indices of their blocks. */
export interface LayerRun {
  readonly first: number;
  readonly last: number;
  /** The layers between, which need not be run. */
  readonly firstLeftOut: number;
  readonly lastLeftOut: number;
}

/** Layers at the start of a run that are run: what begins a model may differ in the first two. */
const AT_START = 3;
/** With fewer left out nothing is won. */
const LEAST_LEFT_OUT = 2;

/** Whether a layer is one of those between, which need not be run. */
export const isInGap = ({ firstLeftOut, lastLeftOut }: LayerRun, layer: number): boolean =>
  layer >= firstLeftOut && layer <= lastLeftOut;

/** Place of a layer among those that are run: neighbours at the gap are neighbours here. */
export const placeInRun = ({ first, firstLeftOut, lastLeftOut }: LayerRun, layer: number): number =>
  layer < firstLeftOut ? layer - first : layer - lastLeftOut - 1 + AT_START;

/** The place of the layer at the near end of the gap, and of its peer at the far end. */
export const BEFORE_GAP = AT_START - 1;
export const AFTER_GAP = AT_START;

/**
 * Runs of blocks that are declared alike, long enough that some need not be run. `reach`: over how many layers one holds
 * what another made; so many are run behind the one that shows what those between do.
 */
export function layerRuns(blocks: readonly Block[], reach: number): LayerRun[] {
  const runs: LayerRun[] = [];
  let first = 0;
  for (let i = 1; i <= blocks.length; i++) {
    if (i < blocks.length && isAlike(blocks[first]!.scope, blocks[i]!.scope)) continue;
    const last = i - 1;
    const [firstLeftOut, lastLeftOut] = [first + AT_START, last - reach - 1];
    if (lastLeftOut - firstLeftOut + 1 >= LEAST_LEFT_OUT) runs.push({ first, last, firstLeftOut, lastLeftOut });
    first = i;
  }
  return runs;
}

/** Whether two modules declare the same beneath their own names, and share nothing. */
function isAlike(one: Scope, other: Scope): boolean {
  return (
    one.variant === other.variant &&
    one.children.length === other.children.length &&
    one.parameters.length === other.parameters.length &&
    one.buffers.length === other.buffers.length &&
    one.parameters.every((parameter, i) => {
      const peer = other.parameters[i]!;
      return parameter !== peer && parameter.frozen === peer.frozen && isSameShape(parameter.shape, peer.shape);
    }) &&
    one.buffers.every(
      ({ shape, dtype }, i) => dtype === other.buffers[i]!.dtype && isSameShape(shape, other.buffers[i]!.shape),
    ) &&
    isSameLinear(one.linearLayer, other.linearLayer) &&
    one.children.every(
      (child, i) => isSameName(one, child, other, other.children[i]!) && isAlike(child, other.children[i]!),
    )
  );
}

const isSameName = (parent: Scope, child: Scope, otherParent: Scope, other: Scope): boolean =>
  child.path.length - parent.path.length === other.path.length - otherParent.path.length &&
  other.path.endsWith(child.path.slice(parent.path.length));

const isSameShape = (one: readonly number[], other: readonly number[]): boolean =>
  one.length === other.length && one.every((size, dimension) => size === other[dimension]);

const LINEAR_TRAITS = ['inFeatures', 'outFeatures', 'transposed', 'castAnew'] as const;

function isSameLinear(one: Linear | null, other: Linear | null): boolean {
  if (one === null || other === null) return one === other;
  return LINEAR_TRAITS.every((trait) => one[trait] === other[trait]) && one.parts?.length === other.parts?.length;
}
