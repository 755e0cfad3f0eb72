#!/usr/bin/env node
/**
 * `npm start`: from a fresh clone to a running Plimsoll. Plain Node, as nothing is installed yet when it begins.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildProduct, ensureInstalled, ROOT, say } from './prepare.mjs';

const HELP = `Starts Plimsoll on this machine: REST API on PORT (8080), admission webhook on WEBHOOK_PORT (8443).

  npm start                                          a try-out: example cluster, example manifests, no real cluster
  npm start -- --kubeconfig FILE [--context NAME]    watches a real cluster

Everything else is set by environment variables: docs/configuration.md. Ctrl-C ends it.
`;

function readArguments() {
  try {
    const options = {
      kubeconfig: { type: 'string' },
      context: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    };
    return parseArgs({ options }).values;
  } catch (error) {
    console.error(`plimsoll: ${error.message}\n\n${HELP}`);
    process.exit(2);
  }
}

/** Settings of the run; what the person's own environment says wins. */
function environment({ kubeconfig, context }) {
  const tryOut = kubeconfig === undefined && !process.env.PLIMSOLL_KUBECONFIG;
  const examples = {
    PLIMSOLL_EXAMPLE_CLUSTER: join(ROOT, 'examples', 'cluster'),
    PLIMSOLL_EXAMPLE_MANIFESTS: join(ROOT, 'examples', 'manifests'),
  };
  return {
    PLIMSOLL_DATA_DIR: join(ROOT, '.data'),
    PLIMSOLL_LOG_FORMAT: 'text',
    PLIMSOLL_LOG_LEVEL: tryOut ? 'warn' : 'info',
    ...(tryOut ? examples : {}),
    ...process.env,
    ...(kubeconfig === undefined ? {} : { PLIMSOLL_KUBECONFIG: resolve(kubeconfig) }),
    ...(context === undefined ? {} : { PLIMSOLL_CONTEXT: context }),
  };
}

const values = readArguments();
if (values.help) {
  console.log(HELP);
  process.exit(0);
}
if (values.kubeconfig !== undefined && !existsSync(values.kubeconfig)) {
  console.error(`plimsoll: there is no file ${values.kubeconfig}`);
  process.exit(2);
}
ensureInstalled();
buildProduct();
say('starting');
const service = spawn(process.execPath, [join(ROOT, 'dist', 'main.js')], {
  cwd: ROOT,
  stdio: 'inherit',
  env: environment(values),
});
// Ctrl-C reaches the service by itself; a signal to this process alone is passed on. Either way its end is waited for.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => service.kill('SIGTERM'));
service.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
