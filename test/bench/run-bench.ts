import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runBenchmark } from './benchmark.ts'
import { LOAD_CORE, lookAround, pinTree } from './machine.ts'
import { readOptions } from './options.ts'
import { computeFigures, toMarkdown } from './report.ts'

/**
 * `npm run bench`: measures this server, its peers, a bare server and the processor's own limits in one run. See
 * README.md.
 */

const RESULTS = join(import.meta.dirname, 'results')

const tell = (line: string): void => void process.stderr.write(`${line}\n`)
const machine = await lookAround()
// This process prepares the bodies of a load, so it runs on the core of the load.
await pinTree(machine, process.pid, LOAD_CORE)
const findings = await runBenchmark({ ...readOptions(process.env, process.argv.slice(2)), machine }, tell)
const markdown = toMarkdown(findings)
await mkdir(RESULTS, { recursive: true })
const path = join(RESULTS, findings.at.replaceAll(':', '-'))
await writeFile(`${path}.json`, JSON.stringify({ results: computeFigures(findings), ...findings }, undefined, 2))
await writeFile(`${path}.md`, markdown)
process.stdout.write(`\n${markdown}\n${path}.md\n${path}.json\n`)
