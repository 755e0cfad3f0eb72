import { painter, terminalOf } from './output/terminal.js';

/** Prints what could not be read, one line each, where it does not mix with the answer. */
export function reportProblems(problems: readonly string[]): void {
  const { yellow } = painter(terminalOf(process.stderr, process.env));
  for (const problem of problems) process.stderr.write(`${yellow('not read:')} ${problem}\n`);
}
