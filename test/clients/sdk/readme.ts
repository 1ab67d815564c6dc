import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { guard } from '../../support/guardian.ts'
import { PATIENCE_MS } from '../../support/until.ts'

const ROOT = join(import.meta.dirname, '../../..')

/** How a program ended. */
interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Maps texts of a package's README to the texts that replace them. */
export type Replacements = Readonly<Record<string, string>>

/** Returns the TypeScript blocks of a package's README as one program, with the replacements. */
export async function readmeProgram(name: string, replacements: Replacements): Promise<string> {
  const readme = await readFile(join(ROOT, 'clients', name, 'README.md'), 'utf8')
  const blocks = [...readme.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text)
  return Object.entries(replacements).reduce((text, [from, to]) => text.replaceAll(from, to), blocks.join('\n'))
}

/**
 * Runs a program in a new folder that contains only the installed packages, like the project of a user. Ends the
 * program after minutes if it has not ended by itself.
 */
export async function runProgram(text: string, env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const folder = await mkdtemp(join(tmpdir(), 'a4a-readme-'))
  try {
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
    await writeFile(join(folder, 'program.mts'), text)
    const child = spawn(process.execPath, ['program.mts'], {
      cwd: folder,
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: PATIENCE_MS,
    })
    guard(child, 'SIGKILL')
    const written = { stdout: '', stderr: '' }
    child.stdout.on('data', (chunk) => (written.stdout += String(chunk)))
    child.stderr.on('data', (chunk) => (written.stderr += String(chunk)))
    const [code]: (number | null)[] = await once(child, 'close')
    return { code: code ?? null, ...written }
  } finally {
    await rm(folder, { recursive: true })
  }
}
