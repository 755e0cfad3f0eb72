#!/usr/bin/env node
/**
 * Holds the licence of every package of package-lock.json that is shipped against a list of those that ask for no more
 * than to be named. Reads the lock file only: needs no network and no installation.
 *   node scripts/supply-chain/licences.mjs
 */
import { readFileSync } from 'node:fs';

const ROOT = new URL('../../', import.meta.url);
const ALLOWED = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'PSF-2.0',
  'Python-2.0',
  'Unlicense',
  'Zlib',
]);
/** Packages whose licence is another, or is not in the lock file, with why each may be there. */
const EXCEPTIONS = JSON.parse(readFileSync(new URL('licence-exceptions.json', import.meta.url), 'utf8'));

const { packages } = JSON.parse(readFileSync(new URL('package-lock.json', ROOT), 'utf8'));
const shipped = Object.entries(packages).filter(([path, { dev }]) => path !== '' && dev !== true);
const findings = shipped
  .map(([path, { license }]) => [path.replace(/^.*node_modules\//, ''), license])
  .filter(([name, license]) => !isAllowed(license) && EXCEPTIONS[name]?.licence !== (license ?? null));
for (const [name, license] of findings) console.error(`${name}: licence ${license ?? 'not given'} is not on the list`);
console.log(`${shipped.length} shipped packages, ${findings.length} with a licence that is not on the list`);
process.exitCode = findings.length === 0 ? 0 : 1;

/** `A OR B` needs one of them, `A AND B` each. */
function isAllowed(license) {
  if (license === undefined) return false;
  const text = license.replace(/[()]/g, '');
  if (/ or /i.test(text)) return text.split(/ or /i).some((one) => ALLOWED.has(one.trim()));
  return text.split(/ and /i).every((one) => ALLOWED.has(one.trim()));
}
