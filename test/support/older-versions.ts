import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { inject } from 'vitest'
import { runSql, siblingUrl } from './sql.ts'

const ROOT = join(import.meta.dirname, '../..')
/** An older version: the files that `node services/main.ts` needs, without the packages of others. */
export interface OlderVersion {
  readonly archive: string
  /** Whether the archive contains `clients/core`. Version 1 is older than this folder. */
  readonly hasCore: boolean
}

/**
 * Older versions. They run with the packages of this checkout. If these packages become too new for one of them,
 * replace it by a later version. Created by
 *
 *     git archive --format=tar <commit> services gen prisma/migrations package.json ':!*.test.ts' ':!*.md' \
 *       ':!services/*.mjs' ':!services/operator-registry/testing' ':!gen/prisma/models*' ':!gen/prisma/*rowser.ts' \
 *       ':!gen/prisma/commonInputTypes.ts' | gzip -n9
 *
 * The second one also has `clients/core` and the files `services/*.mjs`. `make-previous.ts` makes the last one.
 */
export const VERSIONS = {
  /** Commit dda4501. */
  first: { archive: 'test/vectors/version-1.tgz', hasCore: false },
  /** Commit 5bfb99b. */
  beforeKeyEvents: { archive: 'test/vectors/before-key-events.tgz', hasCore: true },
  /** The version just before this one. Each release replaces it. */
  previous: { archive: 'test/vectors/previous.tgz', hasCore: true },
} as const satisfies Record<string, OlderVersion>

/** Creates a database without a schema, so that the older version creates its own. It ends with `started`. */
export async function emptyDatabase(started: AsyncDisposableStack): Promise<string> {
  const server = inject('postgresUrl')
  const name = `upgrade_${randomUUID().replaceAll('-', '')}`
  await runSql(server, `CREATE DATABASE ${name}`)
  started.defer(() => runSql(server, `DROP DATABASE ${name} WITH (FORCE)`))
  return siblingUrl(server, name)
}

/** Unpacks an older version beside the packages of this checkout. Returns its folder, which ends with `started`. */
export async function unpackVersion(
  { archive, hasCore }: OlderVersion,
  started: AsyncDisposableStack,
): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'a4a-older-version-'))
  started.defer(() => rm(root, { recursive: true, force: true }))
  await promisify(execFile)('tar', ['-xzf', join(ROOT, archive), '-C', root])
  const packages = join(ROOT, 'node_modules')
  if (!hasCore) {
    await symlink(packages, join(root, 'node_modules'))
    return root
  }
  const own = join(root, 'node_modules')
  await mkdir(join(own, '@auth4agent'), { recursive: true })
  await symlink(join(root, 'clients/core'), join(own, '@auth4agent/core'))
  const others = (await readdir(packages)).filter((name) => !name.startsWith('.') && name !== '@auth4agent')
  for (const name of others) await symlink(join(packages, name), join(own, name))
  return root
}
