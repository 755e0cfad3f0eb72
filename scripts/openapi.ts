/**
 * Writes openapi.json: what the service serves at /openapi.json, from the compiled code.
 *   npm run openapi              writes it
 *   npm run openapi -- --check   says whether it differs from what is in the repository; exit status 1 where it does
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NestFactory } from '@nestjs/core';
import type { INestApplication } from '@nestjs/common';
import { buildProduct, ROOT } from './prepare.mjs';

interface Compiled {
  'app.module': { AppModule: { with: (settings: object, log: object) => never } };
  'config/read-settings': { readSettings: (environment: object) => object };
  'telemetry/logging': { createLog: (choices: object) => object };
  'api/openapi': { openApiDocument: (app: INestApplication) => object };
}

// Nest needs the metadata that the compiler emits for decorators; running the sources would lack it.
const compiled = async <M extends keyof Compiled>(module: M) =>
  (await import(join(ROOT, 'dist', `${module}.js`))) as Compiled[M];

buildProduct();
const { AppModule } = await compiled('app.module');
const { readSettings } = await compiled('config/read-settings');
const { createLog } = await compiled('telemetry/logging');
const { openApiDocument } = await compiled('api/openapi');

// In preview nothing is instantiated: no server, no database.
const app = await NestFactory.create(
  AppModule.with(readSettings({}), createLog({ logLevel: 'silent', logFormat: 'json' })),
  { preview: true, logger: false },
);
const text = `${JSON.stringify(openApiDocument(app), null, 2)}\n`;
const file = join(ROOT, 'openapi.json');
const isCurrent = existsSync(file) && readFileSync(file, 'utf8') === text;
if (process.argv.includes('--check')) {
  if (!isCurrent) console.log('openapi.json is not up to date');
  process.exitCode = isCurrent ? 0 : 1;
} else {
  writeFileSync(file, text);
  console.log(isCurrent ? 'openapi.json was up to date' : 'openapi.json written');
}
