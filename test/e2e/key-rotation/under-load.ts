import { expect } from 'vitest'
import { type Algorithm, isOf, KINDS, readKeyAudit, readKeyRows } from '../../support/signing-keys.ts'
import { type CachingVerifier, cachingVerifier } from './caching-verifier.ts'
import { missedInKeySets, signedByRetiring, startTape } from './key-tape.ts'
import { type IssuedToken, startLoad, verifyAgain } from './load.ts'
import type { Stage } from './stage.ts'

/** What happened under a load. */
export interface Story {
  readonly tokens: readonly IssuedToken[]
  /** Returns how many keys of an algorithm have stopped signing. */
  readonly rotations: (alg: Algorithm) => number
  readonly verified: number
  readonly tookS: number
}

/** The audit actions of a key, by its state. The first key of each kind was created as active. */
const HISTORIES: Readonly<Record<string, readonly string[]>> = {
  prepared: ['key.create'],
  active: ['key.activate', 'key.create'],
  retiring: ['key.activate', 'key.create', 'key.retiring'],
}

/**
 * Keeps agents busy while `act` runs, and expects four things: no valid token was refused, every copy of the JWKS
 * contained each key before it signed, no key signed after it was seen to be retiring, and all records agree.
 */
export async function expectNoGapUnderLoad(
  stage: Stage,
  act: (tokens: readonly IssuedToken[]) => Promise<void>,
  verifiers: readonly CachingVerifier[] = [],
): Promise<Story> {
  const { clients, operator, agents, db } = stage
  const offline = [...clients.map(cachingVerifier), ...verifiers]
  const verifyOffline = (token: string) => Promise.all(offline.map((verifier) => verifier.verify(token)))
  const startedAt = performance.now()
  const tape = startTape(clients, db)
  const load = startLoad({ operator, agents, clients: () => clients, verifyOffline })
  const failure = await act(load.tokens).catch((error: unknown) => String(error))
  await load.stop()
  await tape.stop()
  const { tokens, troubles } = load
  expect({ failure, troubles }).toEqual({ failure: undefined, troubles: [] })
  expect(await verifyAgain(tokens, clients, verifyOffline)).toEqual([])
  expect(missedInKeySets(tokens, tape.keySets)).toEqual([])
  expect(signedByRetiring(tokens, tape.retiringSince)).toEqual([])
  await expectRecordsToAgree(stage, tokens)
  const seen = await readKeyRows(db)
  return {
    tokens,
    rotations: (alg) =>
      seen.filter((key) => isOf({ purpose: 'access_token', alg }, key) && key.state === 'retiring').length,
    verified: load.verified(),
    tookS: Math.round((performance.now() - startedAt) / 1000),
  }
}

/** Expects that the key lists of both servers, the audit and the tokens agree. */
export async function expectRecordsToAgree(
  { admins, db }: Pick<Stage, 'admins' | 'db'>,
  tokens: readonly IssuedToken[],
): Promise<void> {
  // The schedule still runs, so this reads again until the rows are the same before and after the lists.
  const [rows, lists, audit] = await readUndisturbed(async () => [
    await readKeyRows(db),
    await Promise.all(admins.map((admin) => admin.list())),
    await readKeyAudit(db),
  ])
  for (const { keys } of lists)
    expect(keys.map(({ kid, purpose, alg, state }) => ({ kid, purpose, alg, state }))).toEqual(
      rows.map(({ kid, purpose, alg, state }) => ({ kid, purpose, alg, state })),
    )
  for (const kind of KINDS) {
    const ofKind = rows.filter((key) => isOf(kind, key))
    expect(ofKind.filter(({ state }) => state === 'active')).toHaveLength(1)
    for (const [index, { kid, state }] of ofKind.entries()) {
      const done = HISTORIES[state]?.filter((action) => index > 0 || action !== 'key.activate')
      expect(audit[kid]?.toSorted()).toEqual(done)
    }
  }
  const haveSigned = new Set(rows.filter(({ state }) => state !== 'prepared').map(({ kid }) => kid))
  expect([...new Set(tokens.map(({ kid }) => kid))].filter((kid) => !haveSigned.has(kid))).toEqual([])

  async function readUndisturbed<T>(read: () => Promise<T>): Promise<T> {
    for (;;) {
      const before = JSON.stringify(await readKeyRows(db))
      const found = await read()
      if (JSON.stringify(await readKeyRows(db)) === before) return found
    }
  }
}
