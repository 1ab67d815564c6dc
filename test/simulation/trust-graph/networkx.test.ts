import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { mapScopes } from '@auth4agent/core/trust/scope-map'
import fc from 'fast-check'
import { beforeAll, expect, it } from 'vitest'
import { decidePath } from '../../../services/trust/decide/paths/decide-path.ts'
import { installNetworkx, PYTHON } from '../../support/python.ts'
import { graphOf } from '../../support/trust-graphs.ts'
import { type Drawn, graphs } from './draw-graphs.ts'

const PROGRAM = join(import.meta.dirname, 'networkx_paths.py')
const RUNS = 1_000

beforeAll(installNetworkx)

/** Returns what networkx needs of a graph: live edges, and which of them map all scopes. */
function questionOf({ edges, question }: Drawn) {
  const { owner, caller, audience, host, scopes, nowS } = question
  const maps = ({ kind, grants }: Drawn['edges'][number]) =>
    kind === 'caller'
      ? grants.some((grant) => grant.audience === audience || grant.audience === host)
      : grants.some((grant) => grant.audience === audience && mapScopes(grant, scopes) !== undefined)
  const live = edges.filter(({ exp }) => exp > nowS)
  return { owner, caller, edges: live.map((edge) => Object.assign({ maps: maps(edge) }, edge)) }
}

async function pathsByNetworkx(drawn: readonly Drawn[]): Promise<unknown> {
  const python = spawn(PYTHON, [PROGRAM], { stdio: ['pipe', 'pipe', 'inherit'] })
  python.stdin.end(JSON.stringify(drawn.map(questionOf)))
  return JSON.parse(await text(python.stdout))
}

it(`in ${RUNS} random graphs, networkx finds the paths that decide finds`, async () => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  const drawn = fc.sample(graphs, { numRuns: RUNS, seed })
  const ours = drawn.map(({ edges, question }) => {
    const decision = decidePath(graphOf(...edges), question)
    return decision.allowed ? decision.path.map(({ id }) => id) : null
  })
  expect(ours, `seed ${seed}`).toEqual(await pathsByNetworkx(drawn))
  const lengths = new Set(ours.map((path) => path?.length ?? 0))
  expect(lengths, `seed ${seed}`).toEqual(new Set([0, 1, 2, 3]))
})
