import { encodeMultikey } from '@auth4agent/core/encoding/multibase'
import type { DidDocument } from '@auth4agent/core/identity/did-document'
import { replayKeyEvents } from '@auth4agent/core/key-events/replay-key-events'
import { create } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { GetAgentRequestSchema, ResolveDidRequestSchema } from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import { agentCalls } from '../../test/support/agent-calls.ts'
import { newKey, newP256Key, registerWithLog } from '../../test/support/agent-log.ts'
import { anonymous, type IdentityFixture, identityFixture, type TestOperator } from '../../test/support/identity.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import { rowsRead } from '../../test/support/rows-read.ts'

let fixture: IdentityFixture
let operator: TestOperator
let agent: Awaited<ReturnType<typeof registerWithLog>>

const START = Date.parse('2026-01-15T10:30:00.900Z')
const MINUTE = 60_000
const now = () => fixture.clock.now
/** Returns the second of a time. */
const secondOf = (ms: number) => Math.floor(ms / 1_000) * 1_000
const [second, third] = [newKey(), newKey()]
const added = newP256Key()

beforeAll(async () => {
  fixture = await identityFixture()
  operator = await fixture.operator('acme.example')
})
afterAll(() => fixture.drop())

/** Version 1 begins after one minute, version 2 after two minutes, and so on. The added key lives for 90 seconds. */
beforeEach(async () => {
  fixture.clock.now = START
  agent = await registerWithLog(fixture.identity, operator, now)
  const exp = Math.floor(START / 1000) + 150
  const changes = [
    [agent.key, { type: 'add-key', key: added, label: 'laptop', exp }],
    [agent.key, { type: 'rotate', key: second }],
    [second, { type: 'remove-key', kid: added.kid }],
    [second, { type: 'rotate', key: third }],
  ] as const
  for (const [signer, change] of changes) {
    fixture.clock.now += MINUTE
    await agent.append(signer, change)
  }
  fixture.clock.now += MINUTE
})

const resolve = (part: { versionId?: string; versionTime?: number } = {}) => {
  const { versionId, versionTime } = part
  const time = versionTime === undefined ? {} : { versionTime: timestampFromMs(versionTime) }
  const request = create(ResolveDidRequestSchema, {
    did: agent.did,
    ...(versionId !== undefined && { versionId }),
    ...time,
  })
  return fixture.identity.module.handlers.resolveDid(request, anonymous())
}

/** Returns the keys of a version by their names, and those that may authenticate. */
async function keysOf(part: Parameters<typeof resolve>[0]) {
  const { didDocument, didDocumentMetadata } = await resolve(part)
  const names = new Map([
    [encodeMultikey(agent.key.publicKey), 'first'],
    [encodeMultikey(second.publicKey), 'second'],
    [encodeMultikey(third.publicKey), 'third'],
  ])
  const { verificationMethod, authentication } = didDocument as DidDocument
  const nameOf = (multikey: string) => names.get(multikey) ?? 'added'
  expect(verificationMethod.map(({ id }) => id)).toEqual(authentication)
  return [didDocumentMetadata?.versionId, ...verificationMethod.map((each) => nameOf(each.publicKeyMultibase))]
}

describe('resolveDid', () => {
  it.each([
    ['0', 'first'],
    ['1', 'first', 'added'],
    ['2', 'second', 'added'],
    ['3', 'second'],
    ['4', 'third'],
  ])('answers the keys of version %s', async (versionId, ...keys) => {
    expect(await keysOf({ versionId })).toEqual([versionId, ...keys])
  })

  it.each([
    ['in the second of the registration', -900, '0', 'first'],
    ['just before the second in which version 1 begins', MINUTE - 1900, '0', 'first'],
    ['in the second in which version 1 begins', MINUTE - 900, '1', 'first', 'added'],
    ['while the added key has not expired', 149_000 - 900, '2', 'second', 'added'],
    ['when the added key has expired', 150_000 - 900, '2', 'second'],
    ['now', 5 * MINUTE - 900, '4', 'third'],
    ['in the future', 500 * MINUTE - 900, '4', 'third'],
  ])('answers the keys of a time %s', async (_name, ms, ...expected) => {
    expect(await keysOf({ versionTime: START + ms })).toEqual(expected)
  })

  it('answers when the version began, and nothing for the first version', async () => {
    expect(await resolve({ versionId: '0' })).toMatchObject({
      didDocumentMetadata: { created: timestampFromMs(START), updated: undefined, deactivated: false },
    })
    expect(await resolve({ versionId: '2' })).toMatchObject({
      didDocumentMetadata: { created: timestampFromMs(START), updated: timestampFromMs(START + 2 * MINUTE) },
    })
  })

  it('answers the newest version as getAgent does', async () => {
    const request = create(GetAgentRequestSchema, { did: agent.did })
    const shown = await fixture.identity.module.handlers.getAgent(request, anonymous())
    expect((await resolve()).didDocument).toEqual(shown.didDocument)
    expect(shown).toMatchObject({ keySeq: 4, updatedAt: timestampFromMs(START + 4 * MINUTE) })
  })

  it('answers the keys from before a revocation only for a time before it', async () => {
    await agentCalls(fixture.identity, operator).revoke(agent.did)
    const revokedAt = now()
    fixture.clock.now += MINUTE
    expect(await keysOf({})).toEqual(['4'])
    expect(await keysOf({ versionTime: secondOf(revokedAt) })).toEqual(['4'])
    expect(await keysOf({ versionTime: secondOf(revokedAt) - 1000 })).toEqual(['4', 'third'])
    expect(await keysOf({ versionId: '0' })).toEqual(['0', 'first'])
    expect(await resolve({ versionId: '0' })).toMatchObject({ didDocumentMetadata: { deactivated: true } })
  })

  it('answers the computed version of an agent without stored events', async () => {
    agent = await registerWithLog(fixture.identity, operator, now, { isRecorded: true })
    expect(await keysOf({ versionId: '0' })).toEqual(['0', 'first'])
    expect(await keysOf({ versionTime: secondOf(now()) })).toEqual(['0', 'first'])
  })

  it.each(['5', '999999', '9999999', '1'.repeat(64)])('answers AGENT_NOT_FOUND for version "%s"', async (versionId) => {
    expect(await refusalOf(resolve({ versionId }))).toBe('AGENT_NOT_FOUND')
  })

  it.each(['', ' ', '-1', '+1', '01', '1.0', '1e0', '1 ', 'x', '١', '1'.repeat(65), '__proto__'])(
    'answers INVALID_ARGUMENT for "%s", which is no number of a version',
    async (versionId) => {
      expect(await refusalOf(resolve({ versionId }))).toBe('INVALID_ARGUMENT')
    },
  )

  it('refuses a time before the registration, and a version together with a time', async () => {
    expect(await refusalOf(resolve({ versionTime: secondOf(START) - 1000 }))).toBe('AGENT_NOT_FOUND')
    expect(await refusalOf(resolve({ versionId: '1', versionTime: secondOf(START) }))).toBe('INVALID_ARGUMENT')
  })

  it.each([1, 500, 999])('refuses a time with %i ms, because it must be in whole seconds', async (ms) => {
    await expect(resolve({ versionTime: secondOf(now()) + ms })).rejects.toMatchObject({
      reason: 'INVALID_ARGUMENT',
      message: 'version_time must be in whole seconds',
    })
  })
})

const rowsOf = async (versionId: string) => (await rowsRead(() => resolve({ versionId }))).rows

it('the rows that a version needs do not grow with the events before it', async () => {
  const before = await rowsOf('3')
  for (let pair = 0; pair < 8; pair += 1) {
    const key = newP256Key()
    const exp = Math.floor(fixture.clock.now / 1000) + 1000
    await agent.append(third, { type: 'add-key', key, label: 'laptop', exp })
    await agent.append(third, { type: 'remove-key', kid: key.kid })
  }
  expect(await keysOf({ versionId: '19' })).toEqual(['19', 'third', 'added'])
  expect(await rowsOf('18')).toBe(before)
})

it('an event keeps the keys that a replay of the log finds after it', async () => {
  const rows = await fixture.db.prisma.agentKeyEvent.findMany({ where: { agentId: agent.id }, orderBy: { seq: 'asc' } })
  for (const { seq, keys } of rows) {
    const replayed = replayKeyEvents(
      rows.slice(0, seq + 1).map(({ event }) => event),
      agent.did,
    )
    if (!replayed.ok) throw new Error(replayed.demand)
    const { key, addedKeys } = replayed.state
    expect(keys).toEqual({ x: key.x, added: addedKeys.map(({ kid, jwk, exp }) => ({ kid, jwk: { ...jwk }, exp })) })
  }
  expect(rows.map(({ seq }) => seq)).toEqual([0, 1, 2, 3, 4])
})
