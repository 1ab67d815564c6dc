import { randomBytes, randomUUID } from 'node:crypto'
import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import { uuidv7 } from '@auth4agent/core/encoding/uuid'
import { attestationMessage } from '@auth4agent/core/identity/attestation'
import { fingerprint, formatDid } from '@auth4agent/core/identity/did'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { generateKeyPair, type KeyPair, sign } from '@auth4agent/core/keys/ed25519'
import type { JsonObject } from '@bufbuild/protobuf'
import { type Purpose, sealNonce } from '../../../services/attestation/nonce.ts'
import { digestOfSecret } from '../../../services/attestation/types/join-token/create-join-token.ts'
import { type HmacKey, importHmacKey } from '../../../services/platform/crypto/hmac.ts'
import type { Db } from '../../../services/platform/db/db.ts'
import { createMemoryAuthority } from '../../support/tpm/memory-authority.ts'
import type { AgentName, OperatorName, SeededAgent, SeededOperator } from './seed.ts'

/** What an attestation has besides the good parts of it. */
export interface AttestationEdits {
  readonly rule?: string
  readonly nonce?: string
  /** The attestors, each with one evidence. */
  readonly attestors?: readonly string[]
  /** The bytes of every evidence, in place of a join token of its attestor. */
  readonly evidence?: Uint8Array
  readonly signer?: KeyPair
  /** The nonce that is signed. */
  readonly signedNonce?: string
}

/** For what a nonce is, and when it expires. */
export interface NonceEdits {
  readonly purpose?: Purpose
  readonly operatorId?: string
  /** Unix milliseconds. */
  readonly expiresAt?: number
  readonly key?: HmacKey
}

const RULE = { anyOf: [], when: '', label: '', audiences: [], tokenTtl: 0, maxAgents: 10, expireUnused: 0 }
const TOKENS = { ...RULE, allOf: ['tokens'], endTokens: false }
/** The enrolment rules of acme. All evidence of the attestor `tokens` meets each of them except `never`. */
const RULES = [
  { ...TOKENS, name: 'web', scopes: ['read'] },
  { ...TOKENS, name: 'full', scopes: ['read'], maxAgents: 1 },
  { ...TOKENS, name: 'vault', scopes: ['vault:open'] },
  { ...TOKENS, name: 'never', scopes: ['read'], when: 'claims.tokens.label == "nobody"' },
]
const REQUIREMENT = {
  agents: [],
  scopes: [],
  audiences: [],
  allOf: ['others'],
  anyOf: [],
  when: '',
  level: 'bearer',
  maxAge: 0,
  endTokens: false,
}

/**
 * Gives acme two attestors of the type join-token and one of the type tpm, with enrolment rules and requirements. The
 * rule of the agent `enrolled` has no place for another agent, and the rule of the agent `orphaned` is gone.
 */
export async function seedAttestation(
  db: Db,
  { operators, agents }: { operators: Record<OperatorName, SeededOperator>; agents: Record<AgentName, SeededAgent> },
) {
  const { id: operatorId, domain } = operators.acme
  const tokens = await seedAttestor(db, operatorId, 'tokens')
  const others = await seedAttestor(db, operatorId, 'others')
  const config = { ek_roots: [createMemoryAuthority('Maker of TPMs').root] }
  await db.prisma.attestor.create({ data: { operatorId, name: 'machine', type: 'tpm', config, resultTtl: 3600 } })
  for (const content of RULES) {
    const id = randomUUID()
    await db.prisma.enrolmentRule.create({ data: { id, operatorId, name: content.name, content } })
    if (content.name === 'full') await setRule(db, agents.enrolled, id)
  }
  await setRule(db, agents.orphaned, randomUUID())
  const demanded = generateKeyPair()
  const dids = [agents.unattested.did, formatDid(domain, fingerprint(demanded.publicKey))]
  for (const content of [
    { ...REQUIREMENT, name: 'some-agents', agents: dids, at: ['registration'] },
    { ...REQUIREMENT, name: 'vault', scopes: ['vault:*'], at: ['registration', 'token'] },
  ]) {
    await db.prisma.attestationRequirement.create({ data: { operatorId, name: content.name, content } })
  }
  return { operatorId, tokens, others, demanded }
}

/** Returns functions that make nonces of the server and attestations. Nobody uses up the join tokens of the world. */
export async function attestationSigner(
  { prisma }: Db,
  { operatorId, tokens, others }: Awaited<ReturnType<typeof seedAttestation>>,
) {
  const { attestationKey } = await prisma.deployment.findFirstOrThrow()
  const nonceKey = importHmacKey(attestationKey)
  const nonce = ({ publicKey }: KeyPair, edits: NonceEdits = {}): string => {
    const scope = { purpose: 'enrol', operatorId, thumbprint: thumbprint(publicKey), ...edits } as const
    return sealNonce(edits.key ?? nonceKey, scope, edits.expiresAt ?? Date.now() + 300_000).text
  }
  const signed = (pair: KeyPair, purpose: Purpose, edits: AttestationEdits = {}): JsonObject => {
    const text = edits.nonce ?? nonce(pair, { purpose })
    const evidence = (edits.attestors ?? ['tokens']).map((attestor) => {
      const bytes = edits.evidence ?? (attestor === 'others' ? others : tokens).good
      const message = attestationMessage(bytes, edits.signedNonce ?? text)
      const signature = sign((edits.signer ?? pair).privateKey, message)
      return { attestor, evidence: encodeBase64(bytes), signature: encodeBase64(signature) }
    })
    return { nonce: text, evidence, rule: edits.rule ?? '' }
  }
  return { nonce, signed }
}

function setRule({ prisma }: Db, { id }: SeededAgent, enrolmentRuleId: string) {
  return prisma.agent.update({ where: { id }, data: { enrolmentRuleId } })
}

/** Inserts an attestor with a good, an expired and a used join token. */
async function seedAttestor({ prisma }: Db, operatorId: string, name: string) {
  const id = randomUUID()
  await prisma.attestor.create({ data: { id, operatorId, name, type: 'join-token', config: {}, resultTtl: 3600 } })
  const insert = async (label: string, ttlMs: number, usedBy: string | null) => {
    const secret = randomBytes(32)
    const expiresAt = new Date(Date.now() + ttlMs)
    const token = { id: uuidv7(Date.now(), randomBytes(10)), attestorId: id, digest: digestOfSecret(secret) }
    await prisma.joinToken.create({ data: { ...token, label, expiresAt, usedBy } })
    return Uint8Array.from(Buffer.from(secret.toString('base64url')))
  }
  return {
    id,
    good: await insert('good', 3_600_000, null),
    expired: await insert('expired', -1, null),
    used: await insert('used', 3_600_000, 'did:agent:acme-operator.com:x'),
  }
}
