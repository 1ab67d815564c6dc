import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const ROOT = join(import.meta.dirname, '../../..')
const run = promisify(execFile)

/**
 * Type-checks a program against the sources of the clients. Returns the output of the compiler, which is empty if the
 * program is right.
 */
export async function typeCheck(program: string): Promise<string> {
  // The folder is in the checkout, so that the compiler finds the packages. It is hidden, so that other checks skip
  // it.
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
