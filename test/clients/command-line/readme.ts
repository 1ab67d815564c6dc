import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const ROOT = join(import.meta.dirname, '../../..')
const run = promisify(execFile)

/** Reads the tool's README. */
export const readReadme = (): Promise<string> => readFile(join(ROOT, 'clients/cli/README.md'), 'utf8')

/** Values that replace those of the README. */
interface Place {
  /** The server's address. */
  readonly server: string
  /** A domain that needs a DNS record, because the server does not accept .test names. */
  readonly domain: string
  /** Publishes the record that the tool prints. */
  readonly publish: (name: string, value: string) => void
}

const CONFIRM = 'auth4agent operator confirm'

/** Runs all blocks of the README in order and returns their output. */
export async function pasteReadme({ server, domain, publish }: Place): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'a4a-readme-'))
  try {
    const program = join(home, 'auth4agent')
    await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${join(ROOT, 'clients/cli/src/main.ts')}' "$@"\n`)
    await chmod(program, 0o755)
    const blocks = [...(await readReadme()).matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text)
    const script = blocks.join('\n').replaceAll('http://localhost:8080', server).replaceAll('acme.test', domain)
    const cache = join(ROOT, 'node_modules/.cache/auth4agent-tests')
    const env = { PATH: `${home}:${process.env.PATH}`, HOME: home, NODE_COMPILE_CACHE: cache }
    const paste = async (text: string) =>
      (await run('bash', ['-euo', 'pipefail', '-c', text], { cwd: home, env })).stdout
    const [before = '', after = ''] = script.split(CONFIRM)
    const begun = await paste(before)
    publish(/^name: (.*)$/m.exec(begun)?.[1] ?? '', /^value: (.*)$/m.exec(begun)?.[1] ?? '')
    return begun + (await paste(CONFIRM + after))
  } finally {
    await rm(home, { recursive: true })
  }
}
