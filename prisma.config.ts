import process from 'node:process'

/** Settings of Prisma's command line tool. The server itself applies prisma/migrations at start. */
export default {
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  datasource: { url: process.env.DATABASE_URL ?? 'postgresql://localhost/auth4agent' },
}
