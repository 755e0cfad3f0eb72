import { assessAll } from '../assess-all.js';
import type { AssessOptions } from '../assess-all.js';
import { exitStatusOf } from '../exit-status.js';
import type { ExitStatus } from '../exit-status.js';
import { explanationText } from '../output/explanation.js';
import { OUTPUT_FORMATS, parseOutputFormat, serialised } from '../output/format.js';
import { terminalOf } from '../output/terminal.js';
import { reportProblems } from '../report.js';

export interface ExplainOptions extends AssessOptions {
  output: string;
}

/** `plimsoll explain`: where every number of an answer came from. */
export async function explainCommand(options: ExplainOptions): Promise<ExitStatus> {
  const format = parseOutputFormat(options.output, OUTPUT_FORMATS);
  const { assessed, problems } = await assessAll(options, Date.now());
  const terminal = terminalOf(process.stdout, process.env);
  const text =
    format === 'table'
      ? assessed.map((each) => explanationText(each, terminal)).join(`\n${'─'.repeat(terminal.columns)}\n\n`)
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
