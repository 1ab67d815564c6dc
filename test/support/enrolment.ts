import { randomUUID } from 'node:crypto'
import { generateKeyPair, type KeyPair } from '@auth4agent/core/keys/ed25519'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { afterAll, beforeAll, beforeEach } from 'vitest'
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
import { anonymous, asOperator, type IdentityFixture, identityFixture, type TestOperator } from './identity.ts'
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

/** An enrolment rule that demands a join token, for two agents. */
export const RULE = {
  name: 'web',
  allOf: ['tokens'],
  scopes: ['orders:read'],
  label: 'agent {tokens.label}',
  maxAgents: 2,
}

/** An operator with the attestors `tokens` and `others`, and its calls. */
export interface EnrolmentWorld {
  readonly fixture: IdentityFixture
  readonly operator: TestOperator
  readonly calls: Enrolments
}

/** Starts the identity part before the tests of a file, and makes an operator before each test. */
export function useEnrolments(): EnrolmentWorld {
  let fixture: IdentityFixture | undefined
  let current: EnrolmentWorld | undefined
  let made = 0
  beforeAll(async () => {
    fixture = await identityFixture()
  })
  afterAll(() => fixture?.drop())
  beforeEach(async () => {
    const its = started(fixture)
    made += 1
    const operator = await its.operator(`acme${made}.example`)
    const calls = enrolments(its, operator, () => its.clock.now)
    await calls.insertAttestor('tokens')
    await calls.insertAttestor('others')
    current = { fixture: its, operator, calls }
  })
  return {
    get fixture() {
      return started(current).fixture
    },
    get operator() {
      return started(current).operator
    },
    get calls() {
      return started(current).calls
    },
  }
}

function started<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('The identity part has not started yet')
  return value
}
