import type { Container, PodSet, Workload } from '../workload/workload.js';
import type { AlongsideView } from './alongside.js';
import type { Grammars } from './grammars.js';
import type { Launched } from './launchers/peel.js';
import { mergeSays, peelLaunchers } from './launchers/peel.js';
import { WAITING, whyImageDoesNotTrain, whyNotTraining } from './not-training.js';
import type { Invocation } from './programs/invocation.js';
import { imageInvocation, invocationOf, withPython } from './programs/invocation.js';
import type { TrainingProgram } from './programs/program.js';
import { recogniseProgram } from './programs/table.js';
import type { FilesAlongside } from './reading.js';
import type { ContainerCommands } from './shell/commands.js';
import { containerCommands, nestedCommands, startsShell } from './shell/commands.js';
import type { ShellCommand } from './shell/state.js';
import { Versions, versionsOfImage, versionsOfInstallation } from './versions.js';

interface Alongside {
  files: FilesAlongside;
  grammars: Grammars;
}

/** A command that may be what the pods are there for. */
export interface Candidate {
  invocation: Invocation;
  launched: Launched;
  program: TrainingProgram | null;
  /** Why it does not train, where that is known. */
  notTraining: string | null;
  conditional: boolean;
  versions: Versions;
  files: AlongsideView;
}

export interface Candidates {
  candidates: readonly Candidate[];
  notes: readonly string[];
}

/**
 * What the pods with GPUs run: commands of their own containers, and where those train nothing, commands of the pods
 * that start processes in them (an MPI launcher, a Ray submitter).
 */
export function podSetCandidates(podSet: PodSet, workload: Workload, alongside: Alongside): Candidates {
  const own = candidatesOf(podSet, podSet, alongside);
  if (own.candidates.some(({ program }) => program)) return own;
  const started = startersOf(podSet, workload).map((starter) => candidatesOf(starter, podSet, alongside));
  const training = started.find(({ candidates }) => candidates.some(({ program }) => program));
  return training ?? (waitsForOthers(own) ? started.find(mayTrain) : undefined) ?? own;
}

/** Pods that only wait for processes to be started in them. */
const waitsForOthers = ({ candidates }: Candidates): boolean =>
  candidates.every(({ notTraining }) => notTraining !== null && WAITING.has(notTraining));

const mayTrain = ({ candidates }: Candidates): boolean => candidates.some(({ notTraining }) => notTraining === null);

/** Pod sets whose commands may start processes in this one: the one that the operator names, else those without GPUs. */
function startersOf(podSet: PodSet, { podSets }: Workload): readonly PodSet[] {
  const { startedBy } = podSet.launch;
  if (startedBy !== null) return podSets.filter(({ name }) => name === startedBy);
  return podSets.filter((other) => other !== podSet && other.devices.length === 0);
}

/** Candidates of the containers of `commands`; versions come from the images of the pods that train. */
function candidatesOf(commands: PodSet, training: PodSet, alongside: Alongside): Candidates {
  const found: Candidate[] = [];
  const notes: string[] = [];
  for (const container of mainContainers(commands)) {
    const read = containerCommands(container, commands.launch, alongside);
    notes.push(...read.notes);
    const versions = versionsOf(container, training, read);
    const entrypoint = entrypointOf(container, read, { versions, podSet: commands });
    found.push(...(entrypoint.length > 0 ? entrypoint : commandsOf(read, versions, alongside.grammars)));
    if (read.commands.length === 0 && read.entrypointInImage)
      notes.push(`the command of container ${container.name} is in the image`);
  }
  return { candidates: found, notes };
}

/** Containers with GPUs; where none asks for them by itself, every container that stays. */
function mainContainers({ containers }: PodSet): readonly Container[] {
  const withDevices = containers.filter((container) => !container.init && container.devices.length > 0);
  return withDevices.length > 0 ? withDevices : containers.filter((container) => !container.init);
}

function versionsOf(container: Container, training: PodSet, read: ContainerCommands): Versions {
  const versions = new Versions();
  for (const command of read.commands) versionsOfInstallation(command, versions);
  const [main] = mainContainers(training);
  for (const { image, path } of main && main !== container ? [container, main] : [container]) {
    const place = { document: 'manifest', path: `${path}.image`, text: image?.slice(0, 200) ?? '' };
    if (image !== null) versionsOfImage(image, place, versions);
  }
  return versions;
}

/** A container without a command runs what its image has; its name or variables may still say what that is. */
function entrypointOf(
  container: Container,
  read: ContainerCommands,
  { versions, podSet }: { versions: Versions; podSet: PodSet },
): Candidate[] {
  if (!read.entrypointInImage) return [];
  const { statements } = podSet.launch;
  const invocation = { ...imageInvocation([], read.env, container.workingDir), statements };
  const program = read.commands.length > 0 ? null : recogniseProgram(invocation);
  const notTraining = whyImageDoesNotTrain(container.image);
  if (!program && notTraining === null) return [];
  const command = { words: [], env: read.env, stdin: null, cwd: null, conditional: false };
  const launched = { command, launchers: [], says: {} };
  return [{ invocation, launched, program, notTraining, conditional: false, versions, files: read.files }];
}

/** Commands that only prepare: they are no reason to call a program unknown. */
const PREPARATION: ReadonlySet<string> = new Set([
  'apt',
  'apt-get',
  'pip',
  'pip3',
  'git',
  'wget',
  'curl',
  'cp',
  'mv',
  'rm',
  'ln',
  'ls',
  'cat',
  'chmod',
  'chown',
  'tar',
  'unzip',
  'touch',
  'echo',
  'printf',
  'tee',
  'export',
  'which',
  'date',
  'hostname',
  'huggingface-cli',
  'hf',
  'wandb',
  'aws',
  'gsutil',
  'gcloud',
  'env',
  'printenv',
  'df',
  'free',
  'grep',
  'awk',
  'sed',
  'head',
  'wc',
  'getent',
  'pwd',
  'sync',
  'ulimit',
  'trap',
  'wait',
  'kill',
  'ssh',
  'ssh-keygen',
  'service',
  'sysctl',
  'mount',
  'find',
  'xargs',
  'sort',
  'tr',
  'cut',
  'test',
  'conda',
  'uv',
  'nvcc',
  'ldconfig',
  'modelscope',
  'rsync',
  's5cmd',
  'mc',
  'make',
  'cmake',
  'git-lfs',
  'du',
  'ps',
]);

/** Shells within launchers within shells: deeper ones stand for themselves. */
const MAX_NESTED_SHELLS = 3;

/** A command without its launchers; a shell that they start is followed to the commands inside it. */
function launchedBy(command: ShellCommand, read: ContainerCommands, grammars: Grammars, depth = 0): Launched[] {
  const outer = peelLaunchers(command, read.files);
  if (depth >= MAX_NESTED_SHELLS || outer.launchers.length === 0 || !startsShell(outer.command)) return [outer];
  const { commands } = nestedCommands(outer.command, read.files, grammars);
  return commands.flatMap((inner) =>
    launchedBy(inner, read, grammars, depth + 1).map((launched) => ({
      ...launched,
      launchers: [...outer.launchers, ...launched.launchers],
      says: mergeSays(outer.says, launched.says),
    })),
  );
}

function commandsOf(read: ContainerCommands, versions: Versions, grammars: Grammars): Candidate[] {
  return read.commands.flatMap((command) =>
    launchedBy(command, read, grammars).flatMap((launched) =>
      candidateOf(launched, command.conditional, { read, versions, grammars }),
    ),
  );
}

function candidateOf(
  launched: Launched,
  conditional: boolean,
  { read, versions, grammars }: { read: ContainerCommands; versions: Versions; grammars: Grammars },
): Candidate[] {
  const started = invocationOf(launched.command, read.files);
  if (!started || (started.kind === 'console' && PREPARATION.has(started.name))) return [];
  const invocation = withPython(started, grammars);
  const program = recogniseProgram(invocation);
  const notTraining = program ? null : whyNotTraining(invocation);
  return [{ invocation, launched, program, notTraining, conditional, versions, files: read.files }];
}
