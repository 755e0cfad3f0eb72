import { defineConfig } from 'prisma/config';

/** For Prisma's own command line, such as `prisma migrate deploy` in production. The service migrates by itself. */
export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  ...(process.env.DATABASE_URL === undefined ? {} : { datasource: { url: process.env.DATABASE_URL } }),
});
