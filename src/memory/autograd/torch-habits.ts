type Release = readonly [major: number, minor: number];

/** What torch does otherwise up to a release, with that release. Sources beside each. */
const UNTIL = {
  /**
   * The gradients of softmax and log-softmax take their input itself, and not its type alone (schema of
   * `_softmax_backward_data` in the libraries of torch 1.10 and 1.11).
   */
  keepsSoftmaxInputs: [1, 11],
  /**
   * Group normalisation has no kernel of its own: the input is reshaped for batch normalisation, weight and bias are applied
   * by addcmul (pytorch issue 28201, pull request 28204; 46086 has 1.5.1 and 1.6 side by side).
   */
  normsGroupsByParts: [1, 6],
  /**
   * Products and quotients keep both operands though one has no gradient (pytorch issue 16577, pull request 16583): a frozen
   * batch normalisation written as a product and a sum keeps its input, a map more for each layer.
   */
  productsKeepBoth: [1, 1],
  /** ReLU6 in place keeps its result, not a copy of its input (pytorch pull request 62329, issues 81548 and 95432). */
  clampsKeepResults: [1, 10],
} as const satisfies Readonly<Record<string, Release>>;

/** Which of its former habits the run's release of torch has still. */
export type TorchHabits = Readonly<Record<keyof typeof UNTIL, boolean>>;

/** The habits of a release of which `isBefore` says whether it is older than another. */
export const habitsOf = (isBefore: (release: Release) => boolean): TorchHabits => ({
  keepsSoftmaxInputs: isBefore(UNTIL.keepsSoftmaxInputs),
  normsGroupsByParts: isBefore(UNTIL.normsGroupsByParts),
  productsKeepBoth: isBefore(UNTIL.productsKeepBoth),
  clampsKeepResults: isBefore(UNTIL.clampsKeepResults),
});

/** Those of releases that are in use today: none. */
export const TODAYS_HABITS: TorchHabits = habitsOf(() => false);
