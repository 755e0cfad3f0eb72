/** Layers that were taken for equal are not, as far as memory goes: the run is simulated layer by layer. */
export class NotRepeated extends Error {}
