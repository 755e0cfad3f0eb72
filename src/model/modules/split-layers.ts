/** A size divided among ranks; the rank that has most counts where it does not come out even. */
export const splitEvenly = (size: number, ranks: number): number => Math.ceil(size / ranks);
