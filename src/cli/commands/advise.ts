import { assessAll } from '../assess-all.js';
import type { AssessOptions } from '../assess-all.js';
import { exitStatusOf } from '../exit-status.js';
import type { ExitStatus } from '../exit-status.js';
import { assessmentsText } from '../output/assessments.js';
import { parseOutputFormat, serialised } from '../output/format.js';
import { terminalOf } from '../output/terminal.js';
import { reportProblems } from '../report.js';

export interface AdviseOptions extends AssessOptions {
  output: string;
}

/** `plimsoll advise`: the verdict on each workload, and the least change that would help. */
export async function adviseCommand(options: AdviseOptions): Promise<ExitStatus> {
  const format = parseOutputFormat(options.output);
  const { assessed, problems } = await assessAll(options, Date.now());
  const text =
    format === 'table'
      ? assessmentsText(assessed, terminalOf(process.stdout, process.env))
      : serialised(
          assessed.map(({ assessment }) => assessment),
          format,
        );
  if (assessed.length > 0) process.stdout.write(text);
  reportProblems(problems);
  return exitStatusOf(
    assessed.map(({ assessment }) => assessment.verdict),
    problems.length,
  );
}
