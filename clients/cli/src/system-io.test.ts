import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, it } from 'vitest'

const MAIN = join(import.meta.dirname, 'main.ts')

it.each([
  ['the tool exits with 70 if its answer cannot be written', '>/dev/full', 70, /^error: The answer .*: ENOSPC\n$/],
  ['the tool exits with 0 if its reader closes the pipe', '', 0, /^$/],
])('%s', async (_name, redirection, code, message) => {
  const script = `exec "$0" "$@" help ${redirection}`
  const tool = spawn('sh', ['-c', script, process.execPath, MAIN], { stdio: ['ignore', 'pipe', 'pipe'] })
  // Closes the pipe as `head` does.
  tool.stdout.destroy()
  const [[ended], stderr] = await Promise.all([once(tool, 'close'), text(tool.stderr)])
  expect({ ended, stderr }).toEqual({ ended: code, stderr: expect.stringMatching(message) })
})
