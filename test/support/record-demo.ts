import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createDataFolder } from './data-folder.ts'
import { drawTerminal, type TimedLine } from './draw-terminal.ts'
import { startServer } from './server.ts'

/**
 * `npm run record:demo`: runs `auth4agent demo` against a server on port 8080, as the README says. Writes the printed
 * lines with their times to docs/demo.svg. The server must use port 8080, which must be free, because the picture
 * shows the command without an address.
 */

const ROOT = join(import.meta.dirname, '../..')
const SERVER = 'http://localhost:8080'

await using started = new AsyncDisposableStack()
const folder = await createDataFolder()
started.defer(() => folder.remove())
const server = await startServer({
  PORT: new URL(SERVER).port,
  AUTH4AGENT_BASE_URL: SERVER,
  AUTH4AGENT_DATA_DIR: join(folder.path, 'data'),
})
started.defer(async () => void (await server.stop()))
// The first run compiles the tool and warms up the server. Only the second run is recorded.
await runDemo()
const lines = await runDemo()
await writeFile(join(ROOT, 'docs/demo.svg'), drawTerminal('npx auth4agent demo', lines))

/** Runs the demo. Resolves with its lines. Rejects if the demo fails. */
async function runDemo(): Promise<readonly TimedLine[]> {
  const began = performance.now()
  const child = spawn(process.execPath, [join(ROOT, 'clients/cli/src/main.ts'), 'demo'], {
    env: { PATH: process.env.PATH, HOME: folder.path, TMPDIR: folder.path },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const written: TimedLine[] = []
  for (const input of [child.stdout, child.stderr]) {
    createInterface({ input }).on('line', (text) => written.push({ text, atMs: performance.now() - began }))
  }
  const [code]: (number | null)[] = await once(child, 'close')
  if (code !== 0) throw new Error(`The demo ended with ${String(code)}:\n${written.map(({ text }) => text).join('\n')}`)
  return written
}
