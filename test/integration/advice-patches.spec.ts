import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { applyAdvice, brokenPromise } from '../../src/cli/apply-advice.js';
import { assessor } from '../../src/cli/assess-all.js';
import type { AssessedManifest, AssessSet } from '../../src/cli/assess-all.js';
import { CliError } from '../../src/cli/cli-error.js';
import { loadManifests } from '../../src/cli/input/manifests.js';
import type { ManifestSet } from '../../src/cli/input/manifests.js';
import { sarifLog } from '../../src/cli/output/sarif.js';
import type { Advice } from '../../src/fit/assessment.js';
import { describeWithShared, sharedPath } from '../unit/shared-data.js';

/** A proposal that carries patches is what it says: the changed text is read as the promised run, with the promised verdict. */
const EXAMPLES = join(import.meta.dirname, '..', '..', 'examples');
const GOLDEN = join(import.meta.dirname, 'goldens', 'advice-public-manifests.txt');
const filesOf = (folder: string): string[] => readdirSync(folder).filter((name) => name.endsWith('.yaml'));

let assess: AssessSet;
/** Nodes of eight A100 80GB, as many as a workload needs, that take every pod. */
let assessOnA100s: AssessSet;
beforeAll(async () => {
  assess = await assessor({ filename: [], inventory: join(EXAMPLES, 'cluster') }, 0);
  assessOnA100s = await assessor({ filename: [], gpu: ['a100-80gb:8'] }, 0);
}, 120_000);

const isPatched = ({ changes }: Advice): boolean =>
  changes.length > 0 && changes.every(({ patches }) => patches.length > 0);

/** Lines that a change took out and put in. */
function changedLines(before: string, after: string): { gone: string[]; added: string[] } {
  const [old, now] = [before.split('\n'), after.split('\n')];
  return { gone: old.filter((line) => !now.includes(line)), added: now.filter((line) => !old.includes(line)) };
}

/** Applies every piece of advice that carries patches, each to the manifest as it was; gives what was applied. */
function applied(set: ManifestSet, one: AssessedManifest): string[] {
  return one.assessment.advice.flatMap((advice, index) => {
    if (!isPatched(advice)) return [];
    const [file] = applyAdvice([one], { workload: null, number: index + 1 }, { set, assess });
    const { gone, added } = changedLines(one.input.file.text, file?.text ?? '');
    expect({ advice: advice.summary, added: added.length > 0, few: gone.length + added.length <= 40 }).toEqual({
      advice: advice.summary,
      added: true,
      few: true,
    });
    const comments = (text: string): string[] => text.split('\n').filter((line) => line.trimStart().startsWith('#'));
    expect(comments(file?.text ?? '')).toEqual(comments(one.input.file.text));
    return [advice.summary];
  });
}

function appliedIn(folder: string, file: string): string[] {
  const set = loadManifests([join(folder, file)]);
  return assess(set).assessed.flatMap((one) => applied(set, one));
}

describe('advice that is applied', () => {
  const folder = join(EXAMPLES, 'manifests');

  it.each(filesOf(folder))(
    '%s: gives the promised run and verdict, comments and layout untouched',
    (file) => {
      expect(appliedIn(folder, file)).toEqual(expect.any(Array));
    },
    240_000,
  );

  it('is most of the advice on the examples', () => {
    const advice = assess(loadManifests([folder])).assessed.flatMap(({ assessment }) => assessment.advice);
    expect(advice.filter(isPatched).length).toBeGreaterThanOrEqual(advice.length * 0.6);
  }, 300_000);

  it('needs a choice where several workloads are advised, and a number that there is', () => {
    const set = loadManifests([folder]);
    const { assessed } = assess(set);
    const apply = (workload: string | null, number: number) => () =>
      applyAdvice(assessed, { workload, number }, { set, assess });
    expect(apply(null, 1)).toThrow('workloads are advised');
    expect(apply('llama3-8b-lora', 9)).toThrow('pieces of advice');
    expect(apply('nobody', 1)).toThrow(CliError);
  }, 300_000);

  it('is not given where the text does not keep its promise', () => {
    const [one] = assess(loadManifests([join(folder, 'llama3-8b-lora.yaml')])).assessed;
    const [advice] = one?.assessment.advice ?? [];
    if (one === undefined || advice === undefined) throw new Error('there is no advice');
    expect(brokenPromise(advice, one.assessment)).toBe(
      `its verdict is ${one.assessment.verdict}, not ${advice.verdict}`,
    );
    expect(brokenPromise(advice, undefined)).toBe('it is no workload any more');
    const claimed = { ...one.assessment, verdict: advice.verdict };
    expect(brokenPromise(advice, claimed)).toBe('what is read is not the run that was promised');
  });
});

describe('advice as SARIF', () => {
  it('has one result for each workload that does not simply fit, where it stands in its file', () => {
    const { assessed } = assess(loadManifests([join(EXAMPLES, 'manifests')]));
    const log = sarifLog(assessed) as {
      version: string;
      runs: { results: { ruleId: string; level: string; locations: object[]; message: { text: string } }[] }[];
    };
    const results = log.runs[0]?.results ?? [];
    expect(log.version).toBe('2.1.0');
    expect(results).toHaveLength(assessed.filter(({ assessment }) => assessment.verdict !== 'fits').length);
    const failing = results.find(({ ruleId }) => ruleId === 'will-not-fit');
    expect(failing).toMatchObject({
      level: 'error',
      locations: [{ physicalLocation: { region: { startLine: expect.any(Number) } } }],
    });
    expect(failing?.message.text).toContain('What would help');
  }, 300_000);
});

/** Sizes to two digits: how much exactly is the estimate's matter, what is advised is this text's. */
const coarse = (text: string): string =>
  text.replace(/\d+\.\d GiB/g, (size) => `~${Number(Number.parseFloat(size).toPrecision(2))} GiB`);

function described(one: AssessedManifest): string {
  const { assessment } = one;
  const advice = assessment.advice.map(
    ({ summary, costs }, index) =>
      `  ${index + 1}. ${summary}${costs.map((cost) => `\n     gives up: ${cost}`).join('')}`,
  );
  return coarse([`${assessment.verdict}: ${assessment.reason}`, ...advice].join('\n'));
}

describeWithShared('manifests/public', 'advice on public manifests', () => {
  const folder = sharedPath('manifests', 'public');
  const files = existsSync(folder) ? filesOf(folder) : [];

  it('is what was reviewed', () => {
    const text = files.map((file) => {
      const set = loadManifests([join(folder, file)]);
      const on = (where: string, { assessed }: ReturnType<AssessSet>): string =>
        assessed.map((one) => `${where}: ${described(one)}\n`).join('');
      const found = on('example cluster', assess(set)) + on('A100 80GB nodes', assessOnA100s(set));
      return `${file}\n${found || 'no training that asks for GPUs\n'}`;
    });
    if (process.env.UPDATE_GOLDENS === '1') {
      mkdirSync(join(GOLDEN, '..'), { recursive: true });
      writeFileSync(GOLDEN, text.join('\n'));
    }
    expect(text.join('\n')).toBe(readFileSync(GOLDEN, 'utf8'));
  }, 600_000);

  it.each(files)(
    '%s: what is applied gives the promised run and verdict',
    (file) => {
      expect(appliedIn(folder, file)).toEqual(expect.any(Array));
    },
    240_000,
  );
});
