import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '../src/store/embedded-postgres.js';
import { migrate, schemaDrift } from '../src/store/migrations.js';

/** Fails, with the SQL that is missing, where prisma/migrations do not lead to prisma/schema.prisma. */
async function checkMigrations(): Promise<boolean> {
  const dataFolder = await mkdtemp(join(tmpdir(), 'plimsoll-migrations-'));
  const server = await startEmbeddedPostgres({ dataFolder });
  try {
    const applied = await migrate(server.url);
    const drift = await schemaDrift(server.url);
    if (drift === '') console.log(`migrations: ${applied.length} applied, they lead to prisma/schema.prisma`);
    else console.error(`migrations: prisma/schema.prisma has changes that no migration makes. Missing:\n\n${drift}`);
    return drift === '';
  } finally {
    await server.stop();
    await rm(dataFolder, { recursive: true, force: true });
  }
}

process.exitCode = (await checkMigrations()) ? 0 : 1;
