import { create, type Message } from '@bufbuild/protobuf'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OperatorDirectoryService } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { TrustService } from '../../gen/proto/auth4agent/v1/trust_pb.ts'
import { ISSUER, NOW_S } from '../../test/support/assertions.ts'
import { type TestDatabase, testDatabase } from '../../test/support/database.ts'
import { approveBy, assertBy, ed25519Key } from '../../test/support/operator-team.ts'
import { pipelineFixture, RPC } from '../../test/support/pipeline.ts'
import { localClient } from '../platform/rpc/local-client.ts'
import type { Call } from './call.ts'
import { EMPTY_BODY } from './request-body.ts'

const ID = 'cccccccc-3333-8333-8333-333333333333'
const [alice, carol, member] = [ed25519Key('alice'), ed25519Key('carol'), ed25519Key('member')]
const CALL = { operatorId: ID, issuer: ISSUER, nowS: NOW_S, rpc: RPC, body: EMPTY_BODY.bytes() }
const method = TrustService.method.revokeTrustStatement

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

const listed = ({ kid, jwk, label }: typeof alice) => ({ kid, jwk: JSON.stringify(jwk), label })

/** An operator with two root keys and one with the role `trust`. */
const directoryOf = (threshold: number, frozen: boolean) =>
  localClient(OperatorDirectoryService, {
    lookupOperator: async () => ({
      operator: {
        id: ID,
        status: 'active',
        rootPublicKey: alice.publicKey,
        rootThreshold: threshold,
        manifestSeq: 7,
        frozen,
        keys: [
          { ...listed(alice), root: true },
          { ...listed(carol), root: true },
          { ...listed(member), roles: ['trust'], nbf: BigInt(NOW_S), exp: BigInt(NOW_S + 60) },
        ],
      },
    }),
    lookupAudienceOwner: async () => ({}),
  })

interface Sent {
  readonly key?: typeof alice
  readonly threshold?: number
  readonly frozen?: boolean
  readonly approvals?: string
  /** Leaves the digest of the body out of the assertion. */
  readonly withoutDigest?: boolean
}

/** Calls a method for keys with the role `trust`, whose handler demands a root operation or does not. */
async function send({ key = alice, threshold = 1, frozen = false, approvals, withoutDigest }: Sent, demands = true) {
  let asked: Call | undefined
  const { send: invoke } = pipelineFixture(database.db, {
    method,
    policy: { callers: ['operator'], own: 'id', role: 'trust', action: 'trust.revoke', endsTokens: true, urgent: true },
    deps: { operators: directoryOf(threshold, frozen) },
    async handler(_, call) {
      asked = demands ? { ...call, principal: call.asRoot?.('to open the door') ?? call.principal } : call
      return {}
    },
  })
  const authorization = assertBy(key, CALL, withoutDigest === true ? { body: undefined } : {})
  await invoke(() => create(method.input, { id: ID }) as Message, { authorization, ...(approvals && { approvals }) })
  return asked?.principal
}

describe('asRoot', () => {
  it.each<readonly [string, Sent, string]>([
    ['a key with the role of the call', { key: member }, 'The key "member" must be a root key to open the door'],
    [
      'a root key whose signature does not cover the body',
      { withoutDigest: true },
      'The assertion for this call must contain the claim body: the SHA-256 of the request body',
    ],
    ['one of two root keys', { threshold: 2 }, '2 root keys must sign this request, but only 1 did'],
    [
      'an approval of the key that signed',
      { threshold: 2, approvals: approveBy(alice, CALL) },
      'Each approval must be by another root key',
    ],
    ['a frozen operator', { frozen: true }, 'The DNS record names a key that is no root key of the operator'],
  ])('refuses %s, which may make the call otherwise', async (_, sent, message) => {
    await expect(send(sent)).rejects.toThrow(message)
    expect(await send(sent, false)).toMatchObject({ operatorId: ID })
  })

  it('returns the operator with the manifest, and with the approvals that the change uses up', async () => {
    const approval = approveBy(carol, CALL)
    expect(await send({ threshold: 2, approvals: approval })).toMatchObject({
      operatorId: ID,
      root: { manifestSeq: 7, approvals: [{ kid: carol.kid }] },
      signed: { signatures: [expect.any(String), approval] },
    })
    expect(await send({})).toMatchObject({ root: { manifestSeq: 7, approvals: [] } })
  })

  it('is not called for a call that turns out to be none, so the author has no agreement of root keys', async () => {
    expect(await send({}, false)).not.toHaveProperty('root')
  })
})

describe('demandRole', () => {
  it.each([
    ['a root key', alice, undefined],
    [
      'a key without the role',
      member,
      'The key "member" must have the role policy to open the door, but has only trust',
    ],
  ])('checks %s', async (_, key, message) => {
    let asked: Call | undefined
    const { send: invoke } = pipelineFixture(database.db, {
      method,
      policy: {
        callers: ['operator'],
        own: 'id',
        role: 'trust',
        action: 'trust.revoke',
        endsTokens: true,
        urgent: true,
      },
      deps: { operators: directoryOf(1, false) },
      async handler(_request, call) {
        asked = call
        return {}
      },
    })
    await invoke(() => create(method.input, { id: ID }) as Message, { authorization: assertBy(key, CALL) })
    const demand = () => asked?.demandRole?.('policy', 'to open the door')
    if (message === undefined) expect(demand).not.toThrow()
    else expect(demand).toThrow(message)
  })
})
