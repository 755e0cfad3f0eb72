/** Something that the person at the terminal can mend: says what is wrong and what to do. */
export class CliError extends Error {
  constructor(
    message: string,
    readonly remedy: string | null = null,
  ) {
    super(message);
    this.name = 'CliError';
  }
}
