import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { withSchemaEngine } from './schema-engine.js';
import type { MigrationList } from './schema-engine.js';

/** The prisma folder lies beside `src` and `dist`, two levels above this file in both. */
const PRISMA_FOLDER = new URL('../../prisma/', import.meta.url);
const MIGRATIONS = new URL('migrations/', PRISMA_FOLDER);
const FINISHED = `SELECT migration_name AS name FROM _prisma_migrations
  WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL`;
const UNDEFINED_TABLE = '42P01';
const NO_EXCEPTIONS = { externalTables: [], externalEnums: [] };

/**
 * Brings the database to the schema of this version and returns the names of what was applied. The engine takes a lock
 * in the database, so that several replicas may start at a time, and keeps its account in `_prisma_migrations`, where
 * `prisma migrate deploy` continues from it.
 */
export async function migrate(url: string): Promise<readonly string[]> {
  const migrationsList = await readMigrations();
  // The engine takes 90 MiB that a process does not give back: not started where there is nothing to do.
  if (await areApplied(url, migrationsList.migrationDirectories)) return [];
  return withSchemaEngine(url, async (engine) => {
    const { appliedMigrationNames } = await engine.applyMigrations({ migrationsList, filters: NO_EXCEPTIONS });
    return appliedMigrationNames;
  });
}

/** SQL that leads from the database as it stands to prisma/schema.prisma; empty where they agree. */
export async function schemaDrift(url: string): Promise<string> {
  const schema = await readSchema();
  return withSchemaEngine(url, async (engine) => {
    const { stdout, exitCode } = await engine.diff({
      from: { tag: 'schemaDatasource', files: [schema], configDir: fileURLToPath(PRISMA_FOLDER) },
      to: { tag: 'schemaDatamodel', files: [schema] },
      script: true,
      exitCode: true,
      filters: NO_EXCEPTIONS,
    });
    return exitCode === 0 ? '' : (stdout ?? '');
  });
}

/** Whether the account of migrations names all of these as done. */
async function areApplied(url: string, migrations: readonly { path: string }[]): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string }>(FINISHED);
    const finished = new Set(rows.map(({ name }) => name));
    return migrations.every(({ path }) => finished.has(path));
  } catch (error) {
    if ((error as { code?: unknown }).code === UNDEFINED_TABLE) return false;
    throw error;
  } finally {
    await client.end();
  }
}

async function readSchema(): Promise<{ path: string; content: string }> {
  const url = new URL('schema.prisma', PRISMA_FOLDER);
  return { path: fileURLToPath(url), content: await readFile(url, 'utf8') };
}

async function readMigrations(): Promise<MigrationList> {
  const entries = await readdir(MIGRATIONS, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const content = await readFile(new URL('migration_lock.toml', MIGRATIONS), 'utf8').catch(() => null);
  return {
    baseDir: fileURLToPath(MIGRATIONS),
    lockfile: { path: 'migration_lock.toml', content },
    shadowDbInitScript: '',
    migrationDirectories: await Promise.all(names.sort().map(readMigration)),
  };
}

async function readMigration(name: string): Promise<MigrationList['migrationDirectories'][number]> {
  const text = await readFile(new URL(`${name}/migration.sql`, MIGRATIONS), 'utf8');
  return { path: name, migrationFile: { path: 'migration.sql', content: { tag: 'ok', value: text } } };
}
