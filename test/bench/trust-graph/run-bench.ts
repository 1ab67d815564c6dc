import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { decide, type TrustQuestion } from '../../../services/trust/graph/decide.ts'
import { explain } from '../../../services/trust/graph/explain.ts'
import { TrustGraph } from '../../../services/trust/graph/trust-graph.ts'
import { AUDIENCE, drawEdges, drawHub, HUB, NOW_S, operatorId, randomNumbers } from './draw-edges.ts'

/** `npm run bench:trust`: prints memory and speed of a large trust graph. It does not check them. */

const OPERATORS = 10_000
const EDGES = 100_000
const QUESTIONS = 50_000
const MIB = 1_048_576

const CONTEXT = {
  issuer: 'https://beta.io/auth',
  nameOf: (node: string) => ({ operatorId: node, domain: node, home: 'https://alpha.net' }),
  commandFor: () => '',
  ended: [],
}

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

function usedBytes(): number {
  for (let time = 0; time < 3; time += 1) collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

function print(name: string, value: string): void {
  process.stdout.write(`${name.padEnd(76)}${value.padStart(28)}\n`)
}

/** Prints how much memory `make` needs for its result. */
function printMemory<T>(name: string, make: () => T): T {
  const before = usedBytes()
  const started = performance.now()
  const made = make()
  const elapsed = performance.now() - started
  print(name, `${((usedBytes() - before) / MIB).toFixed(1)} MiB, ${elapsed.toFixed(0)} ms`)
  return made
}

/** Builds a graph from edges that it makes one by one, so that nothing but the graph is in memory afterwards. */
function graphOf(grants: number): TrustGraph {
  const graph = new TrustGraph()
  for (const edge of drawEdges({ operators: OPERATORS, edges: EDGES, grants })) graph.add(edge)
  return graph
}

/** Prints how long a call takes, and the most nodes and edges that it read. */
function printSpeed(name: string, call: (question: TrustQuestion) => { visited: number }, owner?: string): void {
  const draw = randomNumbers(23)
  const times: number[] = []
  const cpu = process.cpuUsage()
  let most = 0
  for (let time = 0; time < QUESTIONS; time += 1) {
    const question: TrustQuestion = {
      owner: owner ?? operatorId(draw(OPERATORS)),
      caller: operatorId(draw(OPERATORS)),
      audience: AUDIENCE,
      host: 'api.cargo.io',
      scopes: ['orders:read'],
      nowS: NOW_S,
    }
    const started = performance.now()
    most = Math.max(most, call(question).visited)
    times.push((performance.now() - started) * 1_000)
  }
  const sorted = times.toSorted((one, other) => one - other)
  const { user, system } = process.cpuUsage(cpu)
  const mean = (user + system) / times.length
  const p99 = sorted[Math.floor(times.length * 0.99)] ?? 0
  const half = sorted[Math.floor(times.length / 2)] ?? 0
  const figures = [half, mean, p99].map((each) => each.toFixed(1)).join(', ')
  print(`${name}: median, mean of CPU time, p99; most read`, `${figures} µs; ${most}`)
}

printMemory(`${EDGES} edges of ${OPERATORS} operators as objects`, () =>
  drawEdges({ operators: OPERATORS, edges: EDGES, grants: 1_000 }),
)
printMemory('as a graph in which every grant differs', () => graphOf(EDGES * 1_000))
const graph = printMemory('as a graph with 1000 different grants', () => graphOf(1_000))
for (const edge of drawHub(OPERATORS)) graph.add(edge)
printSpeed('decide', (question) => decide(graph, question))
printSpeed('explain', (question) => explain(graph, question, CONTEXT))
printSpeed(`decide for an owner of ${HUB.groups} groups`, (question) => decide(graph, question), HUB.owner)
printSpeed(`explain for an owner of ${HUB.groups} groups`, (question) => explain(graph, question, CONTEXT), HUB.owner)
