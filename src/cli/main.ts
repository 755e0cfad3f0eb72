import { Command } from 'commander';
import { CliError } from './cli-error.js';
import type { AccuracyOptions } from './commands/accuracy.js';
import type { AdviseOptions } from './commands/advise.js';
import type { EstimateOptions } from './commands/estimate.js';
import type { ExplainOptions } from './commands/explain.js';
import { EXIT } from './exit-status.js';
import { painter, terminalOf } from './output/terminal.js';

const collect = (value: string, previous: readonly string[] = []): string[] => [...previous, value];

const EXIT_HELP = `
Exit status:
  0  everything fits, is tight, or is not known
  1  something could not be read
  3  something will not fit, or has no place in the cluster`;

const GPU_HELP =
  'suppose GPUs instead: NAME[:COUNT[xNODES]] or NAME/MIG-PROFILE, COUNT on each node, as many nodes as pods; may be repeated';

/** Options of the commands that assess manifests. */
function assessing(command: Command, formats = 'table, json or yaml'): Command {
  return command
    .requiredOption('-f, --filename <path>', 'a manifest, a folder of manifests, or - for standard input', collect)
    .option(
      '--inventory <path>',
      'what GPUs there are: an inventory document, or a folder of dcgm-exporter texts and nodes.json',
    )
    .option('--gpu <name[:count]>', GPU_HELP, collect)
    .option(
      '--observations <url|file>',
      'what earlier runs used: a running service, or a file with its answer of /v1/observations/uses',
    )
    .option('--token-file <file>', 'bearer token for that service')
    .option('--set <name=value>', 'value of a variable such as $NUM_NODES in the manifest; may be repeated', collect)
    .option('-o, --output <format>', formats, 'table');
}

/** Runs a command and ends the process with its status; the service goes on until it is stopped. */
async function ended(status: Promise<number>): Promise<void> {
  process.exitCode = await status;
}

const LARGEST_HELP =
  'instead: the largest that still fits, of micro-batch, sequence-length, image-size, lora-rank or model (of its family)';

function addAdvise(program: Command): void {
  assessing(program.command('advise'), 'table, json, yaml or sarif')
    .option(
      '--apply <[workload:]n>',
      'print the manifest with the n-th piece of advice made in it, comments and layout as they are',
    )
    .option('--largest <what>', LARGEST_HELP)
    .description('say whether training workloads fit, and the least change that would help where they do not')
    .addHelpText(
      'after',
      `
Examples:
  plimsoll advise -f job.yaml --gpu a100-80gb:8
  plimsoll advise -f manifests/ --inventory examples/cluster
  helm template chart/ | plimsoll advise -f - --inventory cluster.yaml -o json
  plimsoll advise -f job.yaml --gpu h100/3g.40gb
  plimsoll advise -f job.yaml --gpu a100-80gb --apply 1 > changed.yaml
  plimsoll advise -f manifests/ --inventory cluster.yaml -o sarif > plimsoll.sarif
${EXIT_HELP}`,
    )
    .action(async (options: AdviseOptions) => {
      const { adviseCommand } = await import('./commands/advise.js');
      await ended(adviseCommand(options));
    });
}

function addExplain(program: Command): void {
  assessing(program.command('explain'))
    .description('show where every number came from: settings with evidence, the peak, memory over the iterations')
    .addHelpText(
      'after',
      `
Examples:
  plimsoll explain -f job.yaml --gpu a100-80gb
  plimsoll explain -f job.yaml --inventory examples/cluster | less -R
${EXIT_HELP}`,
    )
    .action(async (options: ExplainOptions) => {
      const { explainCommand } = await import('./commands/explain.js');
      await ended(explainCommand(options));
    });
}

function addEstimate(program: Command): void {
  program
    .command('estimate')
    .description('estimate the GPU memory of a run that is described here, without a manifest')
    .option('--run <file>', 'fields of the run as YAML, as in the annotation plimsoll.dev/run; flags win over it')
    .option('--model <name>', 'name in the catalog, such as meta-llama/Llama-3.1-8B or resnet50')
    .option('--task <task>', 'causal-lm, masked-lm, sequence-classification, image-classification, ...')
    .option('--micro-batch <n>', 'samples per device and step')
    .option('--accumulation <n>', 'gradient accumulation steps')
    .option('--sequence-length <tokens>', 'tokens of a sample')
    .option('--image-size <pixels>', 'height and width: 224 or 224x320')
    .option('--precision <precision>', 'fp32, tf32, amp-bf16, amp-fp16, bf16, fp16')
    .option('--optimizer <name[:implementation]>', 'adamw, sgd, ...; adamw:fused, adamw:8bit')
    .option('--checkpointing <mode>', 'none or full')
    .option('--attention <kernel>', 'eager, sdpa, flash-attention-2')
    .option('--sharding <mode>', 'none, ddp, fsdp-full, zero1, zero2, zero3')
    .option('--lora <rank>', 'train LoRA adapters of this rank')
    .option('--quantization <type>', 'nf4, nf4-double, int8')
    .requiredOption('--gpu <name[:count]>', 'the GPU, and how many of a node take part')
    .option('--largest <what>', LARGEST_HELP)
    .option('-o, --output <format>', 'table, json or yaml', 'table')
    .addHelpText(
      'after',
      `
Examples:
  plimsoll estimate --model gpt2 --micro-batch 8 --sequence-length 1024 --gpu t4
  plimsoll estimate --model meta-llama/Llama-3.1-8B --micro-batch 1 --sequence-length 4096 \\
    --precision amp-bf16 --sharding fsdp-full --checkpointing full --gpu a100-80gb:8
  plimsoll estimate --run run.yaml --gpu l40s -o json
  plimsoll estimate --model gpt2 --sequence-length 1024 --gpu t4 --largest micro-batch
${EXIT_HELP}`,
    )
    .action(async (options: EstimateOptions) => {
      const { estimateCommand } = await import('./commands/estimate.js');
      await ended(estimateCommand(options));
    });
}

function addAccuracy(program: Command): void {
  program
    .command('accuracy')
    .description('hold the estimates of a running service against what the runs of its cluster used')
    .requiredOption('--server <url>', 'the running service, such as http://127.0.0.1:8080')
    .option('--token-file <file>', 'bearer token for it')
    .option('--namespace <name>', 'only workloads of this namespace')
    .option('--since <time>', 'only runs last seen at or after this time: 2026-11-01, or with a time of day')
    .option('--until <time>', 'only runs last seen before this time')
    .option('-o, --output <format>', 'table, json or yaml', 'table')
    .addHelpText(
      'after',
      `
Examples:
  plimsoll accuracy --server http://127.0.0.1:8080
  plimsoll accuracy --server https://plimsoll.example.com --token-file token --since 2026-11-01 -o json`,
    )
    .action(async (options: AccuracyOptions) => {
      const { accuracyCommand } = await import('./commands/accuracy.js');
      await ended(accuracyCommand(options));
    });
}

function addServe(program: Command): void {
  program
    .command('serve')
    .description('run the service: webhook, watcher, collection of inventory, REST')
    .addHelpText(
      'after',
      `
Examples:
  plimsoll serve
  PORT=9090 DATABASE_URL=postgresql://plimsoll@db/plimsoll plimsoll serve

Settings are environment variables: see docs/configuration.md.`,
    )
    .action(async () => {
      const { serveCommand } = await import('./commands/serve.js');
      await ended(serveCommand());
    });
}

function buildProgram(): Command {
  const program = new Command('plimsoll')
    .description('The load line for GPU Jobs: how much GPU memory a training manifest needs, and whether it is there.')
    .showHelpAfterError('(see plimsoll --help)')
    .exitOverride();
  for (const add of [addAdvise, addExplain, addEstimate, addAccuracy, addServe]) add(program);
  return program;
}

/** What a person can mend is said in one line with its remedy; anything else with its stack. */
function complain(error: unknown): void {
  const { red } = painter(terminalOf(process.stderr, process.env));
  const isExpected = error instanceof CliError || (error instanceof Error && error.name.startsWith('Unreadable'));
  const words = isExpected ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`${red('error:')} ${words}\n`);
  if (error instanceof CliError && error.remedy !== null) process.stderr.write(`  ${error.remedy}\n`);
}

const isCommanderExit = (error: unknown): error is { exitCode: number } =>
  error instanceof Error && 'exitCode' in error && error.constructor.name === 'CommanderError';

/** Runs the command line. Sets the exit status of the process. */
export async function main(argv: readonly string[]): Promise<void> {
  try {
    await buildProgram().parseAsync([...argv]);
  } catch (error) {
    if (isCommanderExit(error)) {
      process.exitCode = error.exitCode;
      return;
    }
    complain(error);
    process.exitCode = EXIT.error;
  }
}
