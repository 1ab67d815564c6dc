/**
 * `npm run generate`: generates `gen/` from `proto/` and `prisma/`. With `--check` it generates into a temporary
 * folder instead, and fails if the committed files differ.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')
if (process.argv.includes('--check')) check()
else generate(root)

function check(): void {
  const cache = join(root, 'node_modules/.cache')
  mkdirSync(cache, { recursive: true })
  // The folder is inside node_modules, so Prisma finds its packages. The folder has the layout of the project, so
  // relative paths are the same.
  const scratch = mkdtempSync(join(cache, 'generated-'))
  try {
    cpSync(join(root, 'prisma'), join(scratch, 'prisma'), { recursive: true })
    generate(scratch)
    const stale = difference(join(root, 'gen'), join(scratch, 'gen'))
    if (stale.length === 0) return
    process.stderr.write(
      `gen/ is out of date. Run \`npm run generate\` to update these files:\n${stale.map((name) => `  ${name}\n`).join('')}`,
    )
    process.exitCode = 1
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

function generate(target: string): void {
  // The generation needs no schema engine, but Prisma downloads one unless this variable contains the path of a
  // program.
  const env = { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath }
  const run = (name: string, ...args: string[]) =>
    execFileSync(join(root, 'node_modules/.bin', name), args, {
      cwd: root,
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
  run('buf', 'generate', '--output', target)
  run('prisma', 'generate', '--no-hints', '--schema', join(target, 'prisma/schema.prisma'))
  // Another process, because the document is made from the files that were just written.
  const writer = join(root, 'test/support/openapi/write-openapi.ts')
  execFileSync(process.execPath, [writer, join(target, 'gen')], { cwd: root, env, stdio: 'inherit' })
}

/** Lists files that exist in only one folder, or that differ. */
function difference(committed: string, fresh: string): string[] {
  const names = new Set([committed, fresh].flatMap((folder) => globSync('**/*.{ts,json}', { cwd: folder })))
  return [...names].filter((name) => read(join(committed, name)) !== read(join(fresh, name))).toSorted()
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
