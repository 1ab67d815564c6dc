import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, it, onTestFinished } from 'vitest'
import { isRunning } from '../../support/data-folder.ts'
import { freePort } from '../../support/free-port.ts'
import { guard } from '../../support/guardian.ts'
import { until } from '../../support/until.ts'

/** A server that ignores SIGINT, as the workers of Auth4Agent do. */
const CONTENDER = `
process.on('SIGINT', () => undefined)
require('node:http').createServer((_, answer) => answer.end()).listen(process.env.PORT, '127.0.0.1')`

/** A benchmark that starts the contender and then waits. */
const BENCHMARK = `
const { startContender } = await import(process.argv[1])
const [module, port, logFile, program] = process.argv.slice(1)
const { pid } = await startContender({
  name: 'it', machine: { pins: false, wrk: false, h2load: false }, core: '0', args: ['-e', program], env: { PORT: port }, logFile,
  probe: 'http://127.0.0.1:' + port,
})
console.log(pid)
setInterval(() => undefined, 1000)`

it.each(['SIGINT', 'SIGKILL'] as const)(
  'startContender leaves no process when %s ends the benchmark',
  async (signal) => {
    const folder = await mkdtemp(join(tmpdir(), 'a4a-contender-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const module = join(import.meta.dirname, 'process.ts')
    const args = [module, String(await freePort()), join(folder, 'log'), CONTENDER]
    const benchmark = spawn(process.execPath, ['--input-type=module', '-e', BENCHMARK, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    guard(benchmark, 'SIGKILL')
    const [line]: string[] = await once(createInterface({ input: benchmark.stdout }), 'line')
    const pid = Number(line)
    expect(await isRunning(pid)).toBe(true)
    benchmark.kill(signal)
    await until(
      () => isRunning(pid),
      (runs) => !runs,
    )
  },
)
