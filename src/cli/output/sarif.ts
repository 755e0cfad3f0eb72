import type { Assessment, Verdict } from '../../fit/assessment.js';
import { RUN_FIELDS, settingAt } from '../../run/fields.js';
import type { AssessedManifest } from '../assess-all.js';
import { workloadName } from './assessments.js';

type Level = 'error' | 'warning' | 'note' | 'none';

interface Rule {
  level: Level;
  text: string;
}

/** One rule for each verdict that somebody should look at. */
const RULES: Readonly<Partial<Record<Verdict, Rule>>> = {
  'will-not-fit': { level: 'error', text: 'The training needs more GPU memory than any device that its pods may get' },
  unschedulable: { level: 'error', text: 'The cluster has no such devices, or not so many' },
  tight: { level: 'warning', text: 'The training may need more GPU memory than the devices have' },
  'fits-some': { level: 'warning', text: 'The pods may be given devices that are too small' },
  unknown: { level: 'note', text: 'Something that decides GPU memory cannot be read' },
};

interface Region {
  startLine: number;
  startColumn: number;
}

/** Where the workload says what decides: a batch that was read, else its first pod set, else its kind. */
function regionOf({ assessment, input }: AssessedManifest): Region | null {
  const paths = [...readPaths(assessment), ...requestPaths(assessment), 'kind'];
  const position = paths.map((path) => input.position(path)).find((found) => found !== null);
  return position === undefined ? null : { startLine: position.line, startColumn: position.column };
}

function readPaths({ runs }: Assessment): string[] {
  return runs.flatMap(({ settings, training }) => {
    if (settings === null || !training) return [];
    return RUN_FIELDS.filter((field) => field === 'microBatchSize' || field === 'program').flatMap((field) => {
      const { evidence } = settingAt(settings, field);
      return evidence.kind === 'read' && evidence.place.document === 'manifest' ? [evidence.place.path] : [];
    });
  });
}

const requestPaths = ({ workload }: Assessment): string[] =>
  workload.podSets.flatMap(({ devices }) => devices.flatMap(({ places }) => places));

function messageOf(assessment: Assessment): string {
  const [first] = assessment.advice;
  const change = first === undefined ? '' : ` What would help: ${first.summary}.`;
  return `${workloadName(assessment)}: ${assessment.verdict}: ${assessment.reason}.${change}`;
}

function resultOf(each: AssessedManifest): object[] {
  const rule = RULES[each.assessment.verdict];
  if (rule === undefined) return [];
  const region = regionOf(each);
  const uri = encodeURI(each.input.file.name.replaceAll('\\', '/'));
  const physicalLocation = { artifactLocation: { uri }, ...(region === null ? {} : { region }) };
  return [
    {
      ruleId: each.assessment.verdict,
      level: rule.level,
      message: { text: messageOf(each.assessment) },
      locations: [{ physicalLocation }],
      partialFingerprints: { 'plimsollWorkload/v1': `${uri}#${workloadName(each.assessment)}` },
    },
  ];
}

/**
 * The verdicts as a SARIF 2.1.0 log, for code review: one result for each workload that does not simply fit.
 * Format: https://docs.oasis-open.org/sarif/sarif/v2.1.0/
 */
export function sarifLog(assessed: readonly AssessedManifest[]): object {
  const rules = Object.entries(RULES).map(([id, { level, text }]) => ({
    id,
    shortDescription: { text },
    defaultConfiguration: { level },
  }));
  const driver = { name: 'plimsoll', rules };
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [{ tool: { driver }, results: assessed.flatMap(resultOf) }],
  };
}
