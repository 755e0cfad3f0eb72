import { largestOf } from '../../advisor/largest-of.js';
import { applyAdvice, parseChoice } from '../apply-advice.js';
import { assessAll, assessor } from '../assess-all.js';
import type { AssessOptions } from '../assess-all.js';
import { EXIT, exitStatusOf } from '../exit-status.js';
import type { ExitStatus } from '../exit-status.js';
import { startAdvisor } from '../input/advisor.js';
import { loadManifests } from '../input/manifests.js';
import { largestText, parseScale } from '../largest.js';
import type { Scale } from '../../fit/advice/largest.js';
import { assessmentsText, workloadName } from '../output/assessments.js';
import { ADVISE_FORMATS, OUTPUT_FORMATS, parseOutputFormat, serialised } from '../output/format.js';
import { sarifLog } from '../output/sarif.js';
import { terminalOf } from '../output/terminal.js';
import { reportProblems } from '../report.js';

export interface AdviseOptions extends AssessOptions {
  output: string;
  apply?: string;
  largest?: string;
}

/** `plimsoll advise`: the verdict on each workload, and the least change that would help. */
export async function adviseCommand(options: AdviseOptions): Promise<ExitStatus> {
  if (options.apply !== undefined) return applied(options, options.apply);
  if (options.largest !== undefined) return sized(options, parseScale(options.largest));
  const format = parseOutputFormat(options.output, ADVISE_FORMATS);
  const { assessed, problems } = await assessAll(options, Date.now());
  const print = {
    table: () => assessmentsText(assessed, terminalOf(process.stdout, process.env)),
    sarif: () => `${JSON.stringify(sarifLog(assessed), null, 2)}\n`,
    json: () => serialised(assessments(), 'json'),
    yaml: () => serialised(assessments(), 'yaml'),
  };
  const assessments = (): readonly unknown[] => assessed.map(({ assessment }) => assessment);
  if (assessed.length > 0) process.stdout.write(print[format]());
  reportProblems(problems);
  return exitStatusOf(
    assessed.map(({ assessment }) => assessment.verdict),
    problems.length,
  );
}

/** Prints the files that the advice changes, whole, and nothing else. */
async function applied(options: AdviseOptions, choice: string): Promise<ExitStatus> {
  const set = loadManifests(options.filename);
  const assess = await assessor(options, Date.now());
  const { assessed, problems } = assess(set);
  const files = applyAdvice(assessed, parseChoice(choice), { set, assess });
  for (const { name, text } of files) process.stdout.write(files.length > 1 ? `# ${name}\n${text}\n---\n` : text);
  reportProblems(problems);
  return problems.length > 0 ? EXIT.error : EXIT.fits;
}

/** Prints the largest of something that still fits, for each workload. */
async function sized(options: AdviseOptions, scale: Scale): Promise<ExitStatus> {
  const format = parseOutputFormat(options.output, OUTPUT_FORMATS);
  const knowing = await startAdvisor();
  const assess = await assessor(options, Date.now(), knowing);
  const { assessed, problems } = assess(loadManifests(options.filename));
  for (const { assessment } of assessed) {
    const found = largestOf(assessment, scale, knowing);
    const lines = found.map((each) => `  ${largestText(each)}\n`).join('');
    const text = `${workloadName(assessment)}\n${lines || '  nothing that trains was read\n'}`;
    process.stdout.write(format === 'table' ? text : serialised(found, format));
  }
  reportProblems(problems);
  return problems.length > 0 ? EXIT.error : EXIT.fits;
}
