import { randomUUID } from 'node:crypto'
import type { Client } from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { isOf, type KeyRow, KINDS, type Kind, readKeyAudit, readKeyRows } from '../../support/signing-keys.ts'
import { until } from '../../support/until.ts'
import { cachingVerifier } from './caching-verifier.ts'
import { createGate, type Gate, HALTS } from './halts.ts'
import { type Load, startLoad } from './load.ts'
import { type Stage, setStage } from './stage.ts'
import { expectRecordsToAgree } from './under-load.ts'

/** The number of tokens that must arrive between two steps. */
const SOME = 8

const started = new AsyncDisposableStack()
const application = `victim-${randomUUID()}`
let stage: Stage
let gate: Gate
let load: Load
let isDead = false

/**
 * The second server is the only one that rotates, once a second. The first server issues and verifies tokens all the
 * time.
 */
beforeAll(async () => {
  stage = await setStage(started, {}, (databaseUrl) => ({
    DATABASE_URL: named(databaseUrl, application),
    AUTH4AGENT_KEY_ROTATION_INTERVAL: '1s',
  }))
  const [client] = stage.clients
  gate = await createGate(stage.db, application)
  const { operator, agents } = stage
  const verifier = cachingVerifier(client)
  load = startLoad({ operator, agents, clients: () => [client], verifyOffline: (token) => verifier.verify(token) })
})
afterAll(async () => {
  await load?.stop()
  await started.disposeAsync()
})

it.each(HALTS)(
  'a process that dies during a rotation ($name) leaves either the whole rotation or nothing',
  async (halt) => {
    const [, victim] = stage.servers
    await gate.close(halt)
    if (isDead) await victim.restart()
    await gate.untilWaiting()
    await victim.kill()
    isDead = true
    const before = await records(stage.db)
    await gate.open()
    const after = await records(stage.db)
    if (halt.atCommit) {
      // The database had received the commit before the process died, so it executed the commit.
      expectRotated(before.keys, after.keys)
    } else expect(without(after, newKids(before, after))).toEqual(before)
    await expectMoreTokens()
  },
)

it('the process that starts last completes the rotation', async () => {
  const before = await readKeyRows(stage.db)
  await stage.servers[1].restart()
  // The reserve of one kind may become ready a moment later than that of another.
  const after = await until(
    () => readKeyRows(stage.db),
    (keys) => KINDS.every((kind) => activeKids(keys, kind)[0] !== activeKids(before, kind)[0]),
  )
  expectRotated(before, after)
  await expectMoreTokens()
  await load.stop()
  expect(load.troubles).toEqual([])
  await expectRecordsToAgree(stage, load.tokens)
})

interface Records {
  readonly keys: readonly KeyRow[]
  readonly audit: Readonly<Record<string, readonly string[]>>
}

/** Reads the keys and their audit records from the database. */
async function records(db: Client): Promise<Records> {
  return { keys: await readKeyRows(db), audit: await readKeyAudit(db) }
}

/** Returns the keys that the other server has prepared since, after the locks of the dead process were released. */
function newKids(before: Records, after: Records): readonly string[] {
  const added = after.keys.filter(({ kid }) => !before.keys.some((key) => key.kid === kid))
  for (const { state } of added) expect(state).toBe('prepared')
  return added.map(({ kid }) => kid)
}

function without({ keys, audit }: Records, kids: readonly string[]): Records {
  return {
    keys: keys.filter(({ kid }) => !kids.includes(kid)),
    audit: Object.fromEntries(Object.entries(audit).filter(([kid]) => !kids.includes(kid))),
  }
}

/** Expects that for each kind of key the active key is now retiring, and a prepared key is now active. */
function expectRotated(before: readonly KeyRow[], after: readonly KeyRow[]): void {
  for (const kind of KINDS) {
    const [old, ...others] = activeKids(before, kind)
    expect(others).toEqual([])
    expect(after.find(({ kid }) => kid === old)?.state).toBe('retiring')
    const [next, ...more] = activeKids(after, kind)
    expect(more).toEqual([])
    expect(before.find(({ kid }) => kid === next)?.state).toBe('prepared')
  }
}

function activeKids(keys: readonly KeyRow[], kind?: Kind): readonly string[] {
  return keys.filter((key) => key.state === 'active' && isOf(kind ?? key, key)).map(({ kid }) => kid)
}

async function expectMoreTokens(): Promise<void> {
  const { length } = load.tokens
  await until(
    async () => load.tokens.length,
    (count) => count >= length + SOME,
  )
}

/** Adds an application name to the URL, which then names the connections in pg_stat_activity. */
function named(databaseUrl: string, name: string): string {
  const url = new URL(databaseUrl)
  url.searchParams.set('application_name', name)
  return url.href
}
