import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { PrismaPg } from '@prisma/adapter-pg';
import { ColumnTypeEnum, bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import * as engineBindings from '@prisma/schema-engine-wasm/schema_engine_bg';
import type { MigrationList, SchemaEngine } from '@prisma/schema-engine-wasm/schema_engine_bg';
import pg from 'pg';

const require = createRequire(import.meta.url);

/** As far as it is used here: Node's type definitions leave it to those of browsers. */
interface WebAssemblyApi {
  instantiate(code: Uint8Array, imports: object): Promise<{ instance: { exports: unknown } }>;
}
const { WebAssembly } = globalThis as unknown as { WebAssembly: WebAssemblyApi };

/** The engine says here why it gave up, before it does. */
const panics = {
  message: '',
  set_message: (message: string): void => {
    panics.message = message;
  },
};

let instantiated: Promise<void> | null = null;

/**
 * Runs Prisma's schema engine, the same that `prisma migrate` runs, in this process: as WebAssembly over the database
 * driver, so that no engine binary has to be downloaded.
 */
export async function withSchemaEngine<T>(url: string, work: (engine: SchemaEngine) => Promise<T>): Promise<T> {
  instantiated ??= instantiate();
  await instantiated;
  const pool = new pg.Pool({ connectionString: url, max: 2, connectionTimeoutMillis: 5_000, idleTimeoutMillis: 0 });
  try {
    const adapter = bindMigrationAwareSqlAdapterFactory(catalogAdapter(pool));
    const engine = await engineBindings.SchemaEngine.new({ datamodels: undefined }, () => undefined, adapter);
    return await work(engine).catch(explained);
  } finally {
    await pool.end();
  }
}

/** The engine's errors carry its own stack; only what it says is of use. */
function explained(error: unknown): never {
  const said = panics.message !== '' ? panics.message : error instanceof Error ? error.message : String(error);
  panics.message = '';
  throw new Error(`schema engine: ${said.split(/\n\s+0: /, 1)[0] ?? said}`, { cause: error });
}

/** Type numbers of pg_type: the one-byte `"char"` of system catalogs, and text. */
const CATALOG_CHAR = 18;
const TEXT = 25;

/**
 * The driver adapter, taught to read the system catalogs: the engine asks for columns of type `"char"` and expects
 * characters, and the adapter (7.10) refuses that type. It is given them as text, and what it makes of them is renamed.
 */
function catalogAdapter(pool: pg.Pool): PrismaPg {
  const charColumns = new WeakMap<object, readonly number[]>();
  const query = pool.query.bind(pool) as (config: pg.QueryArrayConfig) => Promise<pg.QueryArrayResult>;
  const readable = async (config: pg.QueryArrayConfig): Promise<pg.QueryArrayResult> => {
    const result = await query(config);
    charColumns.set(result.rows, asText(result.fields));
    return result;
  };
  const factory = new PrismaPg(Object.assign(pool, { query: readable }));
  const connect = factory.connect.bind(factory);
  factory.connect = async () => {
    const adapter = await connect();
    const queryRaw = adapter.queryRaw.bind(adapter);
    adapter.queryRaw = async (sql) => {
      const result = await queryRaw(sql);
      for (const column of charColumns.get(result.rows) ?? []) {
        result.columnTypes[column] = ColumnTypeEnum.Character;
      }
      return result;
    };
    return adapter;
  };
  return factory;
}

/** Declares the `"char"` fields to be text; returns their positions. */
function asText(fields: readonly pg.FieldDef[]): readonly number[] {
  return fields.flatMap((field, position) => {
    if (field.dataTypeID !== CATALOG_CHAR) return [];
    field.dataTypeID = TEXT;
    return [position];
  });
}

/** Node does not import WebAssembly modules by itself yet: what the package's own entry does, by hand. */
async function instantiate(): Promise<void> {
  Object.assign(globalThis, { PRISMA_WASM_PANIC_REGISTRY: panics });
  const folder = dirname(require.resolve('@prisma/schema-engine-wasm/schema_engine_bg'));
  const code = await readFile(join(folder, 'schema_engine_bg.wasm'));
  const { instance } = await WebAssembly.instantiate(code, { './schema_engine_bg.js': patientBindings() });
  (engineBindings as unknown as { __wbg_set_wasm(exports: unknown): void }).__wbg_set_wasm(instance.exports);
  (instance.exports as { __wbindgen_start(): void }).__wbindgen_start();
}

export type { MigrationList };

/**
 * The engine's imports, with its timer for waiting on the migration lock (10 s, never cleared) let go: a process that is
 * done else would stay for it.
 */
function patientBindings(): object {
  const timers = Object.keys(engineBindings).filter((name) => name.startsWith('__wbg_setTimeout_'));
  const wait = (callback: () => void, ms: number): NodeJS.Timeout => setTimeout(callback, ms).unref();
  return { ...engineBindings, ...Object.fromEntries(timers.map((name) => [name, wait])) };
}
