import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CliResult, runCli } from '../../support/cli.ts'
import type { Json } from '../../support/protocol-client.ts'

/** A person or program with the tool on a machine of their own. */
export interface Person extends AsyncDisposable {
  readonly home: string
  /** Runs the tool. */
  run(line: string, input?: string): Promise<CliResult>
  /** Runs the tool, which must succeed, and returns its JSON. */
  json<T = Json>(line: string, input?: string): Promise<T>
  /** Returns the path of a file in the home of the person. */
  file(name: string): string
  /** Reads a file of the person. */
  read(name: string): Promise<string>
}

/** Makes a person with an empty home. `folder` is replaced by the path of the home in command lines. */
export async function newPerson(): Promise<Person> {
  const home = await mkdtemp(join(tmpdir(), 'a4a-team-'))
  const file = (name: string) => join(home, name)
  const run = (line: string, input = '') => {
    const words = line.split(' ').map((word) => word.replace('~/', `${home}/`))
    return runCli(words, { home, fetch: globalThis.fetch, readStdin: async () => input })
  }
  return {
    home,
    file,
    run,
    read: (name) => readFile(file(name), 'utf8'),
    async json(line, input) {
      const { code, stdout, stderr } = await run(`${line} --json`, input)
      if (code !== 0) throw new Error(`auth4agent ${line} exited with ${code}:\n${stdout}${stderr}`)
      return JSON.parse(stdout)
    },
    [Symbol.asyncDispose]: () => rm(home, { recursive: true }),
  }
}
