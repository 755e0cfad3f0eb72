#!/usr/bin/env node
/**
 * `npm test`: every test there is, from a fresh clone. Installs what is missing, builds, builds the control plane for the
 * end-to-end part (needs Go), runs the three Jest projects one after the other and ends with `N passed, N failed, N skipped`.
 *   npm test                     everything
 *   npm test -- unit             one project: unit, integration or e2e
 *   npm test -- unit src/memory  and only some files of it
 * PLIMSOLL_REQUIRE_E2E=1 turns a missing Go into a failure.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildProduct, ensureInstalled, ROOT, say } from './prepare.mjs';

const PROJECTS = ['unit', 'integration', 'e2e'];
const [first, ...rest] = process.argv.slice(2);
const chosen = PROJECTS.includes(first) ? [first] : PROJECTS;
const patterns = PROJECTS.includes(first) ? rest : process.argv.slice(2);
const e2eRequired = process.env.PLIMSOLL_REQUIRE_E2E === '1';

function runJest(project, reportDir) {
  const report = join(reportDir, `${project}.json`);
  const jest = join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js');
  const workers = project === 'unit' ? ['--maxWorkers=2'] : ['--runInBand'];
  // Bare paths after --selectProjects would be taken for project names.
  const files = patterns.length > 0 ? ['--testPathPatterns', ...patterns] : [];
  const args = ['--experimental-vm-modules', '--no-warnings', jest, '--selectProjects', project, ...workers];
  const run = spawnSync(process.execPath, [...args, '--json', `--outputFile=${report}`, '--verbose=false', ...files], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (!existsSync(report)) return { passed: 0, failed: 1, skipped: 0, status: run.status ?? 1 };
  const r = JSON.parse(readFileSync(report, 'utf8'));
  const brokenFiles = r.testResults.filter((f) => f.status === 'failed' && f.assertionResults.length === 0).length;
  return {
    passed: r.numPassedTests,
    failed: r.numFailedTests + brokenFiles,
    skipped: r.numPendingTests + r.numTodoTests,
    status: r.success ? 0 : 1,
  };
}

/** Exit status of test/cluster/build.mjs where Go is missing: the only reason to go on without the end-to-end part. */
const GO_MISSING = 69;

/** The end-to-end part needs a control plane: finds it in the cache or builds it. Returns the exit status, 0 for ready. */
function buildControlPlane() {
  const build = join(ROOT, 'test', 'cluster', 'build.mjs');
  return spawnSync(process.execPath, [build], { cwd: ROOT, stdio: 'inherit' }).status ?? 1;
}

ensureInstalled();
buildProduct();
const reportDir = mkdtempSync(join(tmpdir(), 'plimsoll-test-'));
const total = { passed: 0, failed: 0, skipped: 0 };
for (const project of chosen) {
  const status = project === 'e2e' ? buildControlPlane() : 0;
  if (status !== 0) {
    say('END-TO-END TESTS WERE NOT RUN: there is no control plane (the reason is above).');
    if (e2eRequired || status !== GO_MISSING) total.failed += 1;
    continue;
  }
  say(`running the ${project} tests`);
  const result = runJest(project, reportDir);
  total.passed += result.passed;
  total.failed += result.failed;
  total.skipped += result.skipped;
}
rmSync(reportDir, { recursive: true, force: true });
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed > 0 ? 1 : 0);
