import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const ROOT = join(import.meta.dirname, '../../..')
const run = promisify(execFile)

/**
 * Type-checks a program against the sources of the clients. Returns what the compiler says of it; empty when it says
 * nothing.
 */
export async function typeCheck(program: string): Promise<string> {
  // In the checkout, where the packages are found; hidden, so that no other check looks into it.
  const folder = await mkdtemp(join(ROOT, 'test/documents/.program-'))
  try {
    const compilerOptions = { noUnusedLocals: false }
    await writeFile(join(folder, 'program.ts'), program)
    await writeFile(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ extends: '../../../tsconfig.json', compilerOptions, include: [], files: ['program.ts'] }),
    )
    await run(join(ROOT, 'node_modules/.bin/tsc'), ['--project', folder])
    return ''
  } catch (error) {
    return error instanceof Error && 'stdout' in error ? String(error.stdout) : String(error)
  } finally {
    await rm(folder, { recursive: true })
  }
}
