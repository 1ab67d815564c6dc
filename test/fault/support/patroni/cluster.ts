import { setTimeout as delay } from 'node:timers/promises'
import { accountFor } from '../../../../services/embedded-postgres/account.ts'
import { createDataFolder } from '../../../support/data-folder.ts'
import { until } from '../../../support/until.ts'
import { install, startEtcd, startPooler, startProxy } from './around.ts'
import { type Node, startNode } from './node.ts'
import type { Isolated } from './partition.ts'

/** How a failover begins. */
export const KINDS = ['crash', 'hand over', 'kill', 'freeze', 'partition'] as const
type Kind = (typeof KINDS)[number]

/** Three PostgreSQL servers under Patroni, as in deploy/examples/patroni, changed only in addresses and watchdog. */
export interface PatroniCluster {
  /** A URL that leads to the primary, through HAProxy. */
  readonly url: string
  /** A URL that names the three servers. */
  readonly hostsUrl: string
  /** A URL that leads to HAProxy, through PgBouncer. */
  readonly poolerUrl: string
  /**
   * Lets a standby take over. Resolves when two standbys follow the new primary. Patroni may refuse to hand over, when
   * no standby has everything; then nothing changes.
   * @param onWritable called when the new primary takes writes
   */
  failOver(kind: Kind, onWritable: () => void): Promise<void>
  /** Returns the timeline of the primary. Each new primary begins one. */
  timeline(): Promise<number>
}

const NAMES = ['a', 'b', 'c'] as const
/** Slow machines copy the first primary twice. A lead that is lost lasts 20 s. */
const WHOLE_MS = 300_000
const POLL_MS = 50

/** Starts everything. It ends with `started`. */
export async function startPatroni(started: AsyncDisposableStack): Promise<PatroniCluster> {
  await install()
  const data = await createDataFolder()
  started.defer(() => data.remove())
  const account = await accountFor(data.path)
  const etcd = await startEtcd(started, data.path, account)
  const isolated: Isolated = new Set()
  const nodes: Node[] = []
  for (const name of NAMES) {
    const node = await startNode({ name, parent: data.path, etcd, account, isolated })
    started.defer(() => node.stop())
    nodes.push(node)
  }
  const port = await startProxy(started, data.path, nodes)
  const pooler = await startPooler(started, data.path, port, account)
  await untilWhole(nodes)
  return {
    url: urlOf(`127.0.0.1:${port}`),
    hostsUrl: urlOf(nodes.map(({ address }) => address).join(',')),
    poolerUrl: urlOf(`127.0.0.1:${pooler}`),
    timeline: async () => (await primaryOf(nodes)).timeline,
    async failOver(kind, onWritable) {
      const { node, timeline } = await primaryOf(nodes)
      const repair = await BREAK[kind](node)
      if (repair === undefined) return
      await primaryAfter(nodes, timeline)
      onWritable()
      await repair()
      await untilWhole(nodes)
    },
  }
}

/** Breaks the primary. Returns what repairs it after the failover; undefined if no failover will happen. */
const BREAK: Readonly<Record<Kind, (node: Node) => Promise<(() => Promise<void>) | undefined>>> = {
  async crash(node) {
    await node.crash()
    return async () => undefined
  },
  async 'hand over'({ rest, name }) {
    const body = JSON.stringify({ leader: name })
    const answer = await fetch(`http://${rest}/switchover`, { method: 'POST', body })
    await answer.body?.cancel()
    return answer.ok ? async () => undefined : undefined
  },
  async kill(node) {
    await node.kill()
    return () => node.start()
  },
  async freeze(node) {
    await node.freeze()
    return async () => node.thaw()
  },
  async partition(node) {
    node.isolate()
    return () => node.rejoin()
  },
}

const urlOf = (hosts: string) => `postgresql://auth4agent:replace-3@${hosts}/auth4agent`

/** Answers of Patroni with the status 200: /primary, /quorum and others. */
async function holds({ rest }: Node, path: string): Promise<boolean> {
  const answer = fetch(`http://${rest}${path}`, { signal: AbortSignal.timeout(2_000) })
  return answer.then(
    async ({ ok, body }) => {
      await body?.cancel()
      return ok
    },
    () => false,
  )
}

interface Primary {
  readonly node: Node
  readonly timeline: number
}

/** Asks all nodes at once, because one that is frozen does not answer. */
async function primaries(nodes: readonly Node[]): Promise<readonly Primary[]> {
  const found = await Promise.all(
    nodes.map(async (node): Promise<Primary | undefined> => {
      if (!(await holds(node, '/primary'))) return undefined
      const answer = await fetch(`http://${node.rest}/patroni`, { signal: AbortSignal.timeout(2_000) }).catch(
        () => null,
      )
      const status: unknown = await answer?.json()
      return { node, timeline: Number(Object(status).timeline) }
    }),
  )
  return found.filter((one) => one !== undefined)
}

async function primaryOf(nodes: readonly Node[]): Promise<Primary> {
  return primaryAfter(nodes, 0)
}

/** Waits for a primary on a later timeline than this. */
async function primaryAfter(nodes: readonly Node[], timeline: number): Promise<Primary> {
  const deadline = performance.now() + WHOLE_MS
  while (performance.now() < deadline) {
    const found = (await primaries(nodes)).find((primary) => primary.timeline > timeline)
    if (found !== undefined) return found
    await delay(POLL_MS)
  }
  throw new Error(`No primary after timeline ${timeline} within ${WHOLE_MS} ms`)
}

/** Resolves when there is one primary whose commits wait for a standby, and two standbys follow it. */
async function untilWhole(nodes: readonly Node[]): Promise<void> {
  const count = async (path: string) => {
    const found = await Promise.all(nodes.map((node) => holds(node, path)))
    return found.filter(Boolean).length
  }
  await until(
    async () => [await count('/primary'), await count('/quorum')].join(),
    (found) => found === '1,2',
    WHOLE_MS,
  )
}
