import { randomUUID } from 'node:crypto'
import { generateKeyPair, type KeyPair } from '@auth4agent/core/keys/ed25519'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import {
  AttestRequestSchema,
  CreateAttestationNonceRequestSchema,
} from '../../gen/proto/auth4agent/v1/attestation_pb.ts'
import {
  type EnrolmentRuleSchema,
  PutEnrolmentRuleRequestSchema,
} from '../../gen/proto/auth4agent/v1/attestation_policy_pb.ts'
import { RegisterAgentRequestSchema } from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import type { Attestation } from '../../services/attestation/index.ts'
import type { Purpose } from '../../services/attestation/nonce.ts'
import type { Call } from '../../services/calls/call.ts'
import type { Identity } from '../../services/identity/index.ts'
import type { Db } from '../../services/platform/db/db.ts'
import { anonymous, asOperator, type TestOperator } from './identity.ts'
import { insertJoinToken, signEvidence } from './join-tokens.ts'

/** Evidence with its signatures, as an agent sends it. */
export interface SignedAttestation {
  readonly nonce: string
  readonly rule?: string
  readonly evidence: ReturnType<typeof signEvidence>[]
}

/** The calls of an operator that lets agents enrol with join tokens, and of these agents. */
export interface Enrolments {
  /** Puts a rule that demands a result of the attestor `tokens`, and returns its id. */
  putRule(rule: MessageInitShape<typeof EnrolmentRuleSchema> & { readonly name: string }): Promise<string>
  /** Inserts an attestor of the type join-token, and returns its id. */
  insertAttestor(name: string): Promise<string>
  /** Returns the text of a nonce for a key. */
  nonce(key: KeyPair, purpose?: Purpose): Promise<string>
  /** Returns a signed attestation with new join tokens of the attestors. */
  attestation(
    key: KeyPair,
    options?: {
      readonly nonce?: string
      readonly purpose?: Purpose
      readonly rule?: string
      readonly label?: string
      readonly attestors?: readonly string[]
    },
  ): Promise<SignedAttestation>
  /** Enrols a key. */
  enrol(
    attestation: SignedAttestation,
    key: KeyPair,
    options?: { readonly label?: string; readonly caller?: Call },
  ): ReturnType<Identity['module']['handlers']['registerAgent']>
  attest(did: string, attestation: SignedAttestation): ReturnType<Attestation['module']['handlers']['attest']>
}

/** Creates these calls. */
export function enrolments(
  { db, identity, attestation: part }: { db: Db; identity: Identity; attestation: Attestation },
  operator: TestOperator,
  now: () => number,
): Enrolments {
  const operatorId = operator.id
  const ids = new Map<string, string>()
  const nonceFor = async ({ publicKey }: KeyPair, purpose: Purpose = 'enrol') => {
    const agentPublicKey = Uint8Array.from(publicKey)
    const request = create(CreateAttestationNonceRequestSchema, { operatorId, agentPublicKey, purpose })
    return (await part.module.handlers.createAttestationNonce(request, anonymous())).nonce ?? ''
  }
  return {
    async putRule(rule) {
      const request = create(PutEnrolmentRuleRequestSchema, { operatorId, name: rule.name, rule })
      await part.policy.handlers.putEnrolmentRule(request, asOperator(operator))
      const where = { operatorId_name: { operatorId, name: rule.name } }
      return (await db.prisma.enrolmentRule.findUniqueOrThrow({ where })).id
    },
    async insertAttestor(name) {
      const data = { id: randomUUID(), operatorId, name, type: 'join-token', config: {}, resultTtl: 3600 }
      const { id } = await db.prisma.attestor.create({ data })
      ids.set(name, id)
      return id
    },
    nonce: nonceFor,
    async attestation(key, { nonce, purpose, rule = '', label = 'web', attestors = ['tokens'] } = {}) {
      const text = nonce ?? (await nonceFor(key, purpose))
      const evidence = []
      for (const attestor of attestors) {
        const token = await insertJoinToken(db, ids.get(attestor) ?? '', label, new Date(now() + 600_000))
        evidence.push(signEvidence(key, text, attestor, token.evidence))
      }
      return { nonce: text, rule, evidence }
    },
    enrol(attestation, { publicKey }, { label = '', caller = anonymous() } = {}) {
      const agentPublicKey = Uint8Array.from(publicKey)
      const request = create(RegisterAgentRequestSchema, { operatorId, agentPublicKey, label, attestation })
      return identity.module.handlers.registerAgent(request, caller)
    },
    attest: (did, attestation) =>
      part.module.handlers.attest(create(AttestRequestSchema, { did, attestation }), anonymous()),
  }
}

/** Creates a new key of an agent. */
export const newKey = (): KeyPair => generateKeyPair()
