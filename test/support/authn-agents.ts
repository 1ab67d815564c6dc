import { uuidv7 } from '@auth4agent/core/encoding/uuid'
import { fingerprint, formatDid } from '@auth4agent/core/identity/did'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { generateKeyPair, type SigningKey, sign } from '@auth4agent/core/keys/ed25519'
import type { AgentStatus, OperatorStatus } from '../../gen/prisma/enums.ts'
import type { Db } from '../../services/platform/db/db.ts'
import { ISSUER } from './assertions.ts'
import { insertOperator, type TestOperator } from './identity.ts'
import { signCompactJws } from './jws.ts'

/** An agent of the fixture, with its private key. */
export interface TestAgent {
  readonly id: string
  readonly did: string
  readonly key: SigningKey
  readonly operatorId: string
}

/** An agent that can hold grants. */
export interface TestHolder extends TestAgent {
  readonly publicKey: Uint8Array
}

/** A challenge in the form that a client gets. */
export interface TestChallenge {
  readonly challenge: string
  readonly nonce: string
}

/** Returns the parameters of a client authentication (RFC 7521 section 4.2), with edits of the claims. */
export function clientAssertion({ did, key }: TestAgent, claims: object = {}) {
  const exp = Math.floor(Date.now() / 1000) + 60
  const payload = { iss: did, sub: did, aud: ISSUER, exp, jti: crypto.randomUUID(), ...claims }
  return {
    clientAssertionType: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    clientAssertion: signCompactJws({ alg: 'EdDSA' }, payload, key),
  }
}

/** Signs a challenge as the agent. The signed text is the message that the protocol defines. */
export function signChallenge({ key }: TestAgent, { challenge, nonce }: TestChallenge): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(sign(key, Buffer.from(`auth4agents-challenge:${challenge}:${nonce}`)))
}

/** Inserts an active agent of an operator, or one with the given status. */
export async function insertAgent(
  db: Db,
  operator: TestOperator,
  { scopes = ['read', 'write'], status = 'active' }: { scopes?: string[]; status?: AgentStatus } = {},
): Promise<TestHolder> {
  const { publicKey, privateKey } = generateKeyPair()
  const id = uuidv7(Date.now(), crypto.getRandomValues(new Uint8Array(10)))
  const did = formatDid(operator.domain, fingerprint(publicKey))
  const keys = { create: { publicKey: Uint8Array.from(publicKey), thumbprint: thumbprint(publicKey) } }
  await db.prisma.agent.create({
    data: { id, operatorId: operator.id, did, status, allowedScopes: scopes, keys },
  })
  return { id, did, key: privateKey, publicKey, operatorId: operator.id }
}

let domains = 0

/** Inserts an operator with a new domain. */
export function freshOperator(db: Db, status: OperatorStatus = 'active'): Promise<TestOperator> {
  domains += 1
  return insertOperator(db, `acme${domains}.example`, status)
}

/** Reads every table that authn and revocation may write, except the revocation log, for a later comparison. */
export async function authnState({ prisma }: Db): Promise<object> {
  const [redemptions, challengeKeys, jwksKeys, revoked, audit, assertions, agents, operators] = await Promise.all([
    prisma.redemption.findMany({ orderBy: { challengeId: 'asc' } }),
    prisma.challengeKey.findMany({ orderBy: { slot: 'asc' } }),
    prisma.jwksKey.findMany({ orderBy: { kid: 'asc' } }),
    prisma.revokedToken.findMany({ orderBy: { jti: 'asc' } }),
    prisma.auditLog.findMany({ orderBy: { id: 'asc' } }),
    prisma.usedAssertion.findMany({ orderBy: { jti: 'asc' } }),
    prisma.agent.findMany({ orderBy: { id: 'asc' } }),
    prisma.operator.findMany({ orderBy: { id: 'asc' } }),
  ])
  return { redemptions, challengeKeys, jwksKeys, revoked, audit, assertions, agents, operators }
}
