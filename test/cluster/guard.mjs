/**
 * Runs the programs of one control plane for the test process that forked it, and outlives that process just long
 * enough to end them: the channel between the two closes however the test process ends, SIGKILL included.
 * Arguments: folders to delete at the end. Messages in: {name, program, args, log}; out: {name, reason}.
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync, rmSync } from 'node:fs';

const temporaryFolders = process.argv.slice(2);
const running = new Set();
let ending = false;

process.on('message', start);
process.on('disconnect', end);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, end);

function start({ name, program, args, log }) {
  if (ending) return;
  const output = openSync(log, 'a');
  const child = spawn(program, args, { stdio: ['ignore', output, output], env: bareEnvironment() });
  closeSync(output);
  running.add(child);
  child.on('error', (error) => ended(child, name, error.message));
  child.on('exit', (code, signal) => ended(child, name, signal ? `signal ${signal}` : `status ${code}`));
}

/** etcd and Go take settings from the environment, which are none of theirs here. */
function bareEnvironment() {
  const { PATH, HOME, TMPDIR } = process.env;
  return { PATH, HOME, TMPDIR };
}

function ended(child, name, reason) {
  running.delete(child);
  if (ending) leaveWhenAllEnded();
  else if (process.connected) process.send({ name, reason }, ignoreClosedChannel);
}

/** The 'disconnect' that follows says the same. */
function ignoreClosedChannel() {}

/** SIGKILL, because nobody will read their state again and a graceful end takes seconds. */
function end() {
  if (ending) return;
  ending = true;
  for (const child of running) child.kill('SIGKILL');
  leaveWhenAllEnded();
}

function leaveWhenAllEnded() {
  if (running.size > 0) return;
  for (const folder of temporaryFolders) rmSync(folder, { recursive: true, force: true });
  process.exit(0);
}
