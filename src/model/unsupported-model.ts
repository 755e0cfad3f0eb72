/** Thrown where an architecture is not one of those that Plimsoll can run, or its configuration lacks a dimension. */
export class UnsupportedModel extends Error {
  constructor(
    /** The model's name as shown to people. */
    readonly model: string,
    /** What is missing, in words that go with the name: `model type "rwkv" is not known`. */
    readonly reason: string,
  ) {
    super(`${model}: ${reason}`);
    this.name = 'UnsupportedModel';
  }
}
