import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/**
 * `node test/bench/top-functions.ts FILE.cpuprofile [file]`: prints the self time in a CPU profile by function, or by
 * file, without idle time. A server writes such a profile when it ends, to the folder BENCH_CPU_PROF of a benchmark.
 */

interface Profile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  readonly samples: readonly number[]
  /** Microseconds between samples. */
  readonly timeDeltas: readonly number[]
}

const LINES = 45
const [, , path = '', by = 'function'] = process.argv
const { nodes, samples, timeDeltas }: Profile = JSON.parse(readFileSync(path, 'utf8'))
const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
const selfUs = new Map<string, number>()
for (const [index, id] of samples.entries()) {
  const frame = frames.get(id)
  if (frame === undefined || frame.functionName === '(idle)') continue
  const key = nameOf(frame)
  selfUs.set(key, (selfUs.get(key) ?? 0) + (timeDeltas[index] ?? 0))
}
const total = [...selfUs.values()].reduce((sum, us) => sum + us, 0)
const top = [...selfUs].toSorted(([, one], [, other]) => other - one).slice(0, LINES)
const lines = top.map(
  ([name, us]) => `${((us / total) * 100).toFixed(1).padStart(5)} %  ${Math.round(us / 1000)} ms  ${name}`,
)
process.stdout.write(`${lines.join('\n')}\n`)

function nameOf({ functionName, url, lineNumber }: Profile['nodes'][number]['callFrame']): string {
  const file = (url.startsWith('file:') ? fileURLToPath(url) : url).replace(`${process.cwd()}/`, '')
  if (by === 'file') return file || functionName
  return `${functionName || '(anonymous)'}  ${file}${file === '' ? '' : `:${lineNumber + 1}`}`
}
