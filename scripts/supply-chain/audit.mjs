#!/usr/bin/env node
/**
 * Asks the registry for known vulnerabilities of the packages that are shipped. Fails for those that are high or
 * critical; says so and passes where the registry cannot be asked (no network, a mirror without advisories).
 *   node scripts/supply-chain/audit.mjs
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const GRAVE = new Set(['high', 'critical']);

const { stdout, error } = spawnSync('npm', ['audit', '--omit=dev', '--json'], {
  cwd: ROOT,
  encoding: 'utf8',
  timeout: 120_000,
  maxBuffer: 64 * 1024 ** 2,
});
const report = parsed(stdout);
if (error !== undefined || report?.vulnerabilities === undefined) {
  console.warn('NOT AUDITED: the registry gave no advisories (no network, or a mirror that has none)');
} else {
  const found = Object.values(report.vulnerabilities).filter(({ severity }) => GRAVE.has(severity));
  for (const { name, severity, range } of found) console.error(`${name} ${range}: ${severity}`);
  const total = Object.keys(report.vulnerabilities).length;
  console.log(`${total} packages with advisories, ${found.length} of them high or critical`);
  process.exitCode = found.length === 0 ? 0 : 1;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
