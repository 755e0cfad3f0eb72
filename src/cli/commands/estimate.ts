import { largestOf } from '../../advisor/largest-of.js';
import { CliError } from '../cli-error.js';
import { EXIT, exitStatusOf } from '../exit-status.js';
import type { ExitStatus } from '../exit-status.js';
import { startAdvisor } from '../input/advisor.js';
import { manifestOfRun, runFieldsOf } from '../input/described-run.js';
import type { DescribedRun } from '../input/described-run.js';
import { parseSupposedGpus, supposedInventory } from '../input/supposed-gpus.js';
import { largestText, parseScale } from '../largest.js';
import { explanationText } from '../output/explanation.js';
import { OUTPUT_FORMATS, parseOutputFormat, serialised } from '../output/format.js';
import { terminalOf } from '../output/terminal.js';

export interface EstimateOptions extends DescribedRun {
  gpu: string;
  output: string;
  largest?: string;
}

const NOWHERE = { configMap: () => undefined };

/** `plimsoll estimate`: the GPU memory of a run that is described by flags or a file, without a manifest. */
export async function estimateCommand(options: EstimateOptions): Promise<ExitStatus> {
  const format = parseOutputFormat(options.output, OUTPUT_FORMATS);
  const supposed = parseSupposedGpus(options.gpu);
  const devices = supposed.perNode ?? 1;
  const fields = runFieldsOf(options, devices);
  if (fields.model === undefined) throw new CliError('it is not said which model', 'give --model NAME, or --run FILE');
  const { advisor, facts } = await startAdvisor();
  const nowMs = Date.now();
  const inventory = supposedInventory([supposed], { devicesPerPod: devices, pods: 1 }, { gpus: facts.gpus, nowMs });
  const manifest = manifestOfRun(fields, devices);
  const assessment = advisor.assess({ manifest, files: NOWHERE, inventory, nowMs });
  if (assessment === null) throw new CliError('the description holds no training run', 'see plimsoll estimate --help');
  if (options.largest !== undefined) {
    const found = largestOf(assessment, parseScale(options.largest), { advisor, facts });
    const lines = found.map((each) => `${largestText(each)}\n`).join('');
    process.stdout.write(format === 'table' ? lines : serialised(found, format));
    return EXIT.fits;
  }
  const described = { source: options.run ?? 'flags', assessment };
  const terminal = terminalOf(process.stdout, process.env);
  process.stdout.write(format === 'table' ? explanationText(described, terminal) : serialised([assessment], format));
  return exitStatusOf([assessment.verdict], 0);
}
