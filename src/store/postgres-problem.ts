/** The database cannot be used: what is wrong, what to do, and what Postgres itself said last. */
export class PostgresProblem extends Error {
  constructor(problem: string, remedy: string, said = '') {
    const quoted = said.trim() === '' ? '' : `\nPostgres said:\n${lastLines(said, 12)}`;
    super(`${problem} ${remedy}${quoted}`);
    this.name = 'PostgresProblem';
  }
}

function lastLines(text: string, count: number): string {
  const lines = text.trimEnd().split('\n').slice(-count);
  return lines.map((line) => `  ${line.slice(0, 500)}`).join('\n');
}
