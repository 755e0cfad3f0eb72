/**
 * Writes charts/plimsoll/templates/_generated.tpl: what the chart must know of the code. Webhook rules and conditions are
 * taken from what the service itself would register, so that both ways of registering it are the same.
 *   tsx scripts/chart-rules.ts            writes it
 *   tsx scripts/chart-rules.ts --check    exit status 1 where it differs from what is in the repository
 */
import 'reflect-metadata';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { registeredWebhook } from './chart/registered-webhook.js';
import { workloadRules } from './chart/workload-rules.js';
import { ANNOTATION_PREFIX, ANSWER_ANNOTATIONS } from '../src/advisor/annotations.js';
import { WORKLOAD_KINDS } from '../src/workload/kinds.js';

const FILE = fileURLToPath(new URL('../charts/plimsoll/templates/_generated.tpl', import.meta.url));
const HEAD = '{{/* Generated from src/workload/kinds.ts by scripts/chart-rules.ts; a check keeps it up to date. */}}\n';

async function render(): Promise<string> {
  const { rules, matchConditions } = await registeredWebhook();
  const ownAnnotations = ANSWER_ANNOTATIONS.map((name) => ANNOTATION_PREFIX + name);
  return [
    HEAD,
    define('webhookRules', stringify(rules, { lineWidth: 0 })),
    define('matchConditions', stringify(matchConditions, { lineWidth: 0 })),
    define('workloadRules', stringify(workloadRules(WORKLOAD_KINDS), { lineWidth: 0 })),
    define('ownAnnotations', JSON.stringify(JSON.stringify(ownAnnotations).replaceAll('"', "'"))),
  ].join('\n');
}

function define(name: string, body: string): string {
  return `{{- define "plimsoll.generated.${name}" -}}\n${body.trimEnd()}\n{{- end }}\n`;
}

const wanted = await render();
const isCurrent = existsSync(FILE) && readFileSync(FILE, 'utf8') === wanted;
const check = process.argv.includes('--check');
if (!check && !isCurrent) writeFileSync(FILE, wanted);
if (!isCurrent) console.log(`${FILE} ${check ? 'is not up to date: run tsx scripts/chart-rules.ts' : 'written'}`);
process.exitCode = check && !isCurrent ? 1 : 0;
