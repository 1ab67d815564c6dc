import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runBenchmark } from '../benchmark.ts'
import { LOAD_CORE, lookAround, pinTree } from '../machine.ts'
import { readOptions } from '../options.ts'
import { toMarkdown } from '../report.ts'
import { startWorld } from '../world.ts'
import { measureEndurance } from './endurance.ts'
import { measureEnrolments } from './enrolments.ts'
import { measureGrowth } from './growth.ts'
import { measurePeople } from './people.ts'
import { type FullFindings, fullMarkdown } from './report.ts'
import { measureStatements } from './statements.ts'
import { measureStatusLists } from './status-lists.ts'
import { measureSuspensions } from './suspension.ts'

/** `npm run bench:full`: runs the benchmark, and then the long measurements. See ../README.md. */

const PARTS = ['growth', 'endurance', 'suspension', 'enrolments', 'status-lists', 'people'] as const
const RESULTS = join(import.meta.dirname, '../results')
const GROWN_AGENTS = Number(process.env['BENCH_GROWN_AGENTS'] ?? 1_000_000)
const SIZES = {
  agents: [GROWN_AGENTS / 1000, GROWN_AGENTS / 10, GROWN_AGENTS],
  revocations: Number(process.env['BENCH_GROWN_REVOCATIONS'] ?? 1_000_000),
}
const LOAD_SECONDS = Number(process.env['BENCH_LOAD_SECONDS'] ?? 300)
const SUSPENSIONS = 10
const ENROLMENTS = 1000

const tell = (line: string): void => void process.stderr.write(`${line}\n`)
const wanted = process.argv.slice(2)
const unknown = wanted.find((name) => !PARTS.some((part) => part === name))
if (unknown !== undefined) throw new RangeError(`Unknown part "${unknown}": choose from ${PARTS.join(', ')}`)
const wants = (part: (typeof PARTS)[number]): boolean => wanted.length === 0 || wanted.includes(part)
const options = readOptions(process.env, [])
const machine = await lookAround()
await pinTree(machine, process.pid, LOAD_CORE)

const findings = wanted.length === 0 ? await runBenchmark({ ...options, machine }, tell) : undefined
const full = await measureParts()
const markdown = `${findings === undefined ? '' : `${toMarkdown(findings)}\n`}${fullMarkdown(full)}`
await mkdir(RESULTS, { recursive: true })
const path = join(RESULTS, `full-${new Date().toISOString().replaceAll(':', '-')}`)
await writeFile(`${path}.json`, JSON.stringify({ ...findings, full }, undefined, 2))
await writeFile(`${path}.md`, markdown)
process.stdout.write(`\n${markdown}\n${path}.md\n${path}.json\n`)

async function measureParts(): Promise<FullFindings> {
  await using started = new AsyncDisposableStack()
  const world = await startWorld(started, machine, {
    ...options,
    wantsWorkers: false,
    wantsDurablePeer: false,
    wantsTraces: false,
  })
  const endurance = wants('endurance') ? await measureEndurance(world, LOAD_SECONDS, tell) : undefined
  const suspension = wants('suspension') ? await measureSuspensions(world, SUSPENSIONS) : undefined
  const enrolments = wants('enrolments') ? await measureEnrolments(world, ENROLMENTS) : undefined
  const statusLists = wants('status-lists') ? await measureStatusLists(world) : undefined
  const people = wants('people') ? await measurePeople(started, world, options, tell) : undefined
  const growth = wants('growth') ? await measureGrowth(started, world, SIZES, options, tell) : undefined
  const statements = wants('growth') ? await measureStatements(started, world, GROWN_AGENTS, tell) : undefined
  return {
    ...(statements && { statements }),
    ...(endurance && { endurance }),
    ...(suspension && { suspension }),
    ...(enrolments && { enrolments }),
    ...(statusLists && { statusLists }),
    ...(people && { people }),
    ...(growth && { growth }),
  }
}
