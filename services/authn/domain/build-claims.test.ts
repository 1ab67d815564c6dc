import { MAX_TOKEN_BYTES, parseAccessTokenClaims } from '@auth4agent/core/token/claims'
import { create } from '@bufbuild/protobuf'
import { expect, it } from 'vitest'
import { AgentSnapshotSchema, OperatorSnapshotSchema } from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { IDENTITY_KEY } from './agent-proof.ts'
import { buildClaims } from './build-claims.ts'
import { UNATTESTED } from './check-attestation.ts'

const DID = `did:agent:acme.example:${'0'.repeat(32)}`
const OPERATOR = '01890000-0000-8000-8000-000000000000'
const TOKEN = {
  jti: '6c84fb90-12c4-11e1-840d-7b25c5ee775a',
  nowS: 1_800_000_000,
  epoch: [3, 4] as const,
  key: IDENTITY_KEY,
  edges: [],
  attested: UNATTESTED,
}
const long = (prefix: string, length: number) => prefix.padEnd(length, 'a')
const subject = (did = DID) => ({
  agent: create(AgentSnapshotSchema, { did, epoch: 1 }),
  operator: create(OperatorSnapshotSchema, { id: OPERATOR, epoch: 1 }),
})

it('buildClaims returns the claims of RFC 9068 and the epochs of the redemption', () => {
  const terms = { scope: ['read', 'write'], audience: [{ text: 'a.example', host: 'a.example' }], ttl: 60 }
  const claims = buildClaims('https://auth.example', subject(), terms, TOKEN)
  expect(claims).toEqual({
    iss: 'https://auth.example',
    sub: DID,
    client_id: DID,
    aud: ['a.example'],
    scope: 'read write',
    operator_id: OPERATOR,
    iat: 1_800_000_000,
    nbf: 1_800_000_000,
    exp: 1_800_000_060,
    jti: TOKEN.jti,
    epoch: [3, 4],
  })
  expect(parseAccessTokenClaims({ ...claims })).toEqual(claims)
})

it.each([
  ['names an added key', 1_800_003_600, 1_800_000_900],
  ['names an added key, and expires with it,', 1_800_000_001, 1_800_000_001],
])('buildClaims %s when that key has signed', (_name, exp, expected) => {
  const key = { addedKid: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k', exp }
  const terms = { scope: [], audience: [{ text: 'a.example', host: 'a.example' }], ttl: 900 }
  const claims = buildClaims('https://auth.example', subject(), terms, { ...TOKEN, key })
  expect(claims).toMatchObject({ agent_key: key.addedKid, exp: expected })
  expect(parseAccessTokenClaims({ ...claims })).toEqual(claims)
})

it('buildClaims names the edges that let the agent have tokens for audiences of other operators', () => {
  const terms = { scope: [], audience: [{ text: 'a.example', host: 'a.example' }], ttl: 60 }
  const claims = buildClaims('https://auth.example', subject(), terms, { ...TOKEN, edges: [OPERATOR] })
  expect(claims.edges).toEqual([OPERATOR])
  expect(parseAccessTokenClaims({ ...claims })).toEqual(claims)
})

it('buildClaims with the longest possible terms makes no token with more bytes than verifiers accept', () => {
  const did = `did:agent:${Array.from({ length: 4 }, () => 'a'.repeat(61)).join('.')}.example:${'0'.repeat(32)}`
  const scope = Array.from({ length: 64 }, (_, n) => long(`s${n}`, 128))
  const audience = Array.from({ length: 8 }, (_, n) => ({
    text: long(`https://a.example/${n}`, 255),
    host: 'a.example',
  }))
  // Each audience may be of another operator.
  const edges = audience.map(() => OPERATOR)
  const claims = buildClaims(
    long('https://auth.example/', 255),
    subject(did),
    { scope, audience, ttl: 3600 },
    { ...TOKEN, edges },
  )
  const header = 200
  const signature = 87
  const payload = Math.ceil((JSON.stringify(claims).length * 4) / 3)
  expect(header + payload + signature).toBeLessThanOrEqual(MAX_TOKEN_BYTES)
})
