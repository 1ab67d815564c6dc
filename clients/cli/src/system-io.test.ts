import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, it } from 'vitest'

const MAIN = join(import.meta.dirname, 'main.ts')

it.each([
  ['says that an answer is lost, and that nothing was refused', '>/dev/full', 70, /^error: the answer .*: ENOSPC\n$/],
  ['ends well when whoever reads has heard enough', '', 0, /^$/],
])('%s', async (_name, redirection, code, message) => {
  const script = `exec "$0" "$@" help ${redirection}`
  const tool = spawn('sh', ['-c', script, process.execPath, MAIN], { stdio: ['ignore', 'pipe', 'pipe'] })
  // As `head` does when it has enough.
  tool.stdout.destroy()
  const [[ended], stderr] = await Promise.all([once(tool, 'close'), text(tool.stderr)])
  expect({ ended, stderr }).toEqual({ ended: code, stderr: expect.stringMatching(message) })
})
