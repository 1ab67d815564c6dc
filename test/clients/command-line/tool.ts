import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const ROOT = join(import.meta.dirname, '../../..')
const MAIN = join(ROOT, 'clients/cli/src/main.ts')
const run = promisify(execFile)

/** Exit code and output of a run of the tool. */
export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** Standard output as JSON. */
  json(): unknown
}

/** The tool as a separate process with its own home folder. */
export interface Tool extends AsyncDisposable {
  readonly folder: string
  /** Runs the tool with these arguments. */
  run(...args: string[]): Promise<Ran>
  /** Runs the tool with text on standard input. */
  feed(input: string, ...args: string[]): Promise<Ran>
  /** Writes a file that only its owner can read into the home folder, and returns its path. */
  file(name: string, text: string): Promise<string>
}

/** Throws if the output contains a private key. */
async function expectNoKey(keys: string, output: string): Promise<void> {
  for (const name of await readdir(keys).catch(() => [])) {
    const seed = (await readFile(join(keys, name), 'utf8')).slice(0, 40)
    if (output.includes(seed)) throw new Error(`The tool printed the key ${name}`)
  }
}

/** Makes a tool with a new home folder. */
export async function newTool(): Promise<Tool> {
  const home = await mkdtemp(join(tmpdir(), 'a4a-cli-'))
  const folder = join(home, '.auth4agents')
  const feed = async (input: string, ...args: string[]): Promise<Ran> => {
    const env = {
      PATH: process.env.PATH,
      HOME: home,
      NODE_COMPILE_CACHE: join(ROOT, 'node_modules/.cache/auth4agent-tests'),
    }
    const ended = run(process.execPath, [MAIN, ...args], { env, cwd: home })
    ended.child.stdin?.end(input)
    const { code, stdout, stderr } = await ended.then(
      (output) => ({ code: 0, ...output }),
      (error: { code: number; stdout: string; stderr: string }) => error,
    )
    await expectNoKey(join(folder, 'keys'), stdout + stderr)
    return { code, stdout, stderr, json: () => JSON.parse(stdout) as unknown }
  }
  return {
    folder,
    feed,
    run: (...args) => feed('', ...args),
    async file(name, text) {
      const path = join(home, name)
      await writeFile(path, text, { mode: 0o600 })
      return path
    },
    [Symbol.asyncDispose]: () => rm(home, { recursive: true }),
  }
}
