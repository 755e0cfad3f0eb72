import { METRIC_READERS } from '../../src/inventory/metric-readers.js';
import { LABEL_READERS } from '../../src/inventory/labels.js';
import { LAUNCHERS } from '../../src/launch/launchers/table.js';
import { PROGRAMS } from '../../src/launch/programs/table.js';
import { MODEL_TYPES } from '../../src/model/architecture.js';
import { TIMM_CLASSIFIERS } from '../../src/model/families/timm.js';
import { TORCHVISION_CLASSIFIERS } from '../../src/model/families/torchvision.js';
import { SEGMENTATION_MODELS } from '../../src/model/families/segmentation.js';
import { WORKLOAD_KINDS } from '../../src/workload/kinds.js';
import { REQUEST_FORMS } from '../../src/workload/requests/request-forms.js';
import { CALLED } from './called.js';
import { countedModels } from './counted-models.js';
import type { Exercise } from './exercised.js';
import { exercisedIn, exercises, literally, NO_TEST } from './exercised.js';
import { waysOfTraining } from './ways-of-training.js';

const HEAD = `# What is covered

Generated from the tables of the code by \`npm run docs\`; a check keeps it up to date. The last column names the
first spec, recorded run or example in which the row's name stands; **no test** where it stands in none. That a name
stands there says that it is exercised, not how thoroughly.

What is not in these tables is not covered: it is named in the answer, and the verdict is \`unknown\`.
`;

type Row = readonly string[];

function table(title: string, columns: Row, rows: readonly Row[]): string {
  const line = (cells: Row): string => `| ${cells.join(' | ')} |\n`;
  return `\n## ${title}\n\n${line(columns)}${line(columns.map(() => '---'))}${rows.map(line).join('')}`;
}

function kinds(all: readonly Exercise[]): string {
  const rows = WORKLOAD_KINDS.map((each) => {
    const { apiGroup, kind, versions } = each;
    const shown = versions.map((version) => `\`${apiGroup === '' ? '' : `${apiGroup}/`}${version}\``).join(', ');
    return [kind, shown, exercisedIn(all, kindPattern(each), ['src/workload', 'src/launch', 'examples'])];
  });
  return table('Kinds', ['kind', 'versions', 'exercised in'], rows);
}

/** A kind with its group before it; a name that only one group has also by itself. */
function kindPattern({ apiGroup, kind, versions }: (typeof WORKLOAD_KINDS)[number]): RegExp {
  const version = apiGroup === '' ? (versions[0] ?? '') : `${literally(apiGroup)}/\\w+`;
  const withGroup = `${version}['"]?,?\\s*(?:['"]?kind['"]?: ?)?['"]?${kind}\\b`;
  const isOnly = WORKLOAD_KINDS.filter((other) => other.kind === kind).length === 1;
  return new RegExp(isOnly ? `${withGroup}|'${kind}'` : withGroup);
}

/** A name as a form writes it, with what stands in angle brackets free. */
const written = (name: string): string =>
  literally(name.replace(/^annotation /, ''))
    .replace(/<\w+>/g, '\\w+')
    .replace('resourceClaims with a ', '');

function requestForms(all: readonly Exercise[]): string {
  const rows = REQUEST_FORMS.flatMap(({ name, writes }) =>
    writes.map((each) => {
      const pattern = new RegExp(`(?<![\\w.-])${written(each)}(?![\\w.-])`);
      return [name, `\`${each}\``, exercisedIn(all, pattern, ['src/workload/requests', 'src/workload', 'src/cli'])];
    }),
  );
  return table('Ways to ask for devices', ['form', 'as written', 'exercised in'], rows);
}

function launchers(all: readonly Exercise[]): string {
  const rows = LAUNCHERS.map(({ name }) => {
    const pattern = new RegExp(`(?<![\\w-])${literally(name).replaceAll(' ', "['\\s,]+")}(?![\\w-])`);
    return [
      `\`${name}\``,
      exercisedIn(all, pattern, ['src/launch/programs', 'src/launch', 'src/workload', 'test', 'examples']),
    ];
  });
  return table('Launchers', ['launcher', 'exercised in'], rows);
}

/** A reviewed reading of a manifest for the program of an id. */
const readingOf = (id: string): RegExp => new RegExp(`\\\\"id\\\\":\\\\"${literally(id)}\\\\"`);

function programs(all: readonly Exercise[]): string {
  const rows = PROGRAMS.map(({ id, name }) => {
    const called = CALLED[id] ?? new RegExp(literally(id));
    const reviewed = exercisedIn(all, readingOf(id), ['test/readings/runs/own']);
    return [
      `\`${id}\``,
      name,
      reviewed === NO_TEST
        ? exercisedIn(all, called, ['src/launch/programs', 'src/launch', 'src/workload', 'test', 'examples'])
        : reviewed,
    ];
  });
  return table('Training programs', ['id', 'program', 'exercised in'], rows);
}

function families(all: readonly Exercise[]): string {
  const rows = MODEL_TYPES.map((type) => {
    const called = CALLED[`model-type ${type}`] ?? new RegExp(`['"](?:model_type['"]: ?['"])?${type}['"]`);
    return [
      `\`${type}\``,
      exercisedIn(all, called, ['test/golden', 'src/memory', 'src/model', 'src/advisor', 'test/unit']),
    ];
  });
  const constructors = [
    ['torchvision', 'image classification', TORCHVISION_CLASSIFIERS],
    ['torchvision', 'segmentation', SEGMENTATION_MODELS],
    ['timm', 'image classification', TIMM_CLASSIFIERS],
  ] as const;
  return (
    table('Models', ['model type', 'exercised in'], rows) + constructors.map((of) => imageModels(all, of)).join('')
  );
}

type ImageLibrary = readonly [library: 'torchvision' | 'timm', task: string, constructors: object];

/** Image models go by their constructors: those named in a test, those only counted in one, and the others. */
function imageModels(all: readonly Exercise[], [library, task, table]: ImageLibrary): string {
  const names = Object.keys(table).toSorted();
  const isNamed = (name: string): boolean =>
    exercisedIn(all, new RegExp(`(?<!\\w)${name}(?!\\w)`), ['test', 'src/memory', 'src/model']) !== NO_TEST;
  const inCatalog = countedModels(all, library);
  const groups: readonly (readonly [string, readonly string[]])[] = [
    ['Exercised', names.filter(isNamed)],
    ['Parameters counted against the catalog', names.filter((name) => !isNamed(name) && inCatalog.has(name))],
    [NO_TEST, names.filter((name) => !isNamed(name) && !inCatalog.has(name))],
  ];
  const shown = groups
    .filter(([, some]) => some.length > 0)
    .map(([group, some]) => `${group}: ${some.map((name) => `\`${name}\``).join(', ')}.`);
  return `\n${library}, ${task}, ${names.length} constructors. ${shown.join(' ')}\n`;
}

function inventorySources(all: readonly Exercise[]): string {
  const metrics = METRIC_READERS.map(({ name, metrics: read }) => {
    const pattern = new RegExp([...read].map(literally).join('|'));
    return [`metrics: \`${name}\``, exercisedIn(all, pattern, ['src/inventory', 'test', 'examples'])];
  });
  const labels = LABEL_READERS.map(({ name }) => {
    const called = CALLED[`labels ${name}`] ?? new RegExp(literally(name));
    return [`labels: \`${name}\``, exercisedIn(all, called, ['src/inventory', 'test', 'examples'])];
  });
  return table('Inventory', ['source', 'exercised in'], [...metrics, ...labels]);
}

/** Everything that is read and estimated, with where each is exercised, as Markdown. */
export function renderCoverage(): string {
  const all = exercises();
  const ways = waysOfTraining().map(({ setting, value, covered, called }) => [
    `\`${setting}\``,
    `\`${value}\``,
    covered ?? 'yes',
    covered === null ? exercisedIn(all, called, ['test/golden', 'src/memory', 'test/unit']) : '',
  ]);
  const waysTable = table('Ways of training', ['setting', 'value', 'memory is worked out', 'exercised in'], ways);
  return [HEAD, kinds(all), requestForms(all), launchers(all), programs(all), families(all), waysTable]
    .concat(inventorySources(all))
    .join('');
}
