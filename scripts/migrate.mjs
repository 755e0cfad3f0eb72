#!/usr/bin/env node
/**
 * Applies the migrations to the database of DATABASE_URL and ends: what the chart's migration Job runs. Needs the
 * compiled service. Tries again for a while, as a database may be slow to come up.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { migrate } from '../dist/store/migrations.js';

const ATTEMPTS = 10;
const PAUSE_MS = 3_000;
const url = process.env.DATABASE_URL;
if (!url) {
  console.error('plimsoll: DATABASE_URL is not set: there is no database to migrate.');
  process.exit(2);
}
for (let attempt = 1; ; attempt++) {
  try {
    const applied = await migrate(url);
    console.log(applied.length === 0 ? 'the schema is up to date' : `applied ${applied.join(', ')}`);
    process.exit(0);
  } catch (error) {
    console.error(`plimsoll: the migrations could not be applied: ${error.message}`);
    if (attempt === ATTEMPTS) process.exit(1);
  }
  await pause(PAUSE_MS);
}
