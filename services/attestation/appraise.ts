import { sha256Text } from '@auth4agent/core/encoding/sha256'
import { attestationMessage } from '@auth4agent/core/identity/attestation'
import { thumbprint as thumbprintOf } from '@auth4agent/core/jose/thumbprint'
import { importPublicKey, verify } from '@auth4agent/core/keys/ed25519'
import type { Attestation, Evidence } from '../../gen/proto/auth4agent/v1/attestation_pb.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { checkClaims } from './check-claims.ts'
import type { AttestationDeps } from './config.ts'
import { type Nonce, openNonce, type Purpose } from './nonce.ts'
import type { CurrentResult } from './rules/results.ts'
import { type AttestorRow, readAttestors } from './store/read-policy.ts'
import { type Appraisal, type AppraisalContext, type Binding, RefusedEvidence } from './types/attestor-type.ts'
import { isAttestorType } from './types/is-attestor-type.ts'

/** Something that may be used once, and until when it is remembered. */
export interface Use {
  /** What is used, unique in the deployment. */
  readonly id: string
  /** Unix milliseconds. */
  readonly until: number
}

/** Evidence that counts. */
export interface Appraised {
  readonly result: CurrentResult
  /** SHA-256 of the evidence as base64url, for the audit. */
  readonly digest: string
  readonly uses: readonly Use[]
}

/** The agent that attests. */
export interface Attester {
  readonly operatorId: string
  readonly purpose: Purpose
  /** Raw Ed25519 public key. */
  readonly publicKey: Uint8Array
}

const MAX_EVIDENCE = 4
const MAX_EVIDENCE_BYTES = 32 * 1024

/**
 * Appraises all evidence of an attestation. The caller uses up what the result says, in the transaction that writes
 * it.
 *
 * @throws ApiError INVALID_ARGUMENT, NONCE_NOT_ACCEPTED, INVALID_SIGNATURE, ATTESTOR_NOT_FOUND, EVIDENCE_REFUSED,
 *   UNAVAILABLE
 */
export async function appraiseAttestation(
  deps: AttestationDeps,
  attestation: Attestation,
  attester: Attester,
): Promise<readonly Appraised[]> {
  const now = deps.now()
  const binding = bindTo(deps, attester.publicKey)
  const nonce = acceptNonce(deps, attestation.nonce, { ...attester, thumbprint: binding.thumbprint }, now)
  checkEvidence(attestation.evidence)
  // A stranger without the key causes no further work.
  for (const each of attestation.evidence) checkSignature(attester.publicKey, each, nonce)
  const rows = await attestorsOf(deps, attester.operatorId, attestation.evidence)
  const context = { binding: { ...binding, nonce }, issuer: deps.issuer, now, skewMs: deps.skewMs }
  const appraised: Appraised[] = []
  for (const [index, { evidence }] of attestation.evidence.entries()) {
    const attestor = rows[index]
    if (attestor === undefined) throw new Error('Each evidence has an attestor')
    const appraisal = await appraiseEvidence(deps, attestor, evidence, { ...context, attestorId: attestor.id })
    appraised.push(toAppraised(attestor, evidence, appraisal, now))
  }
  const [first, ...rest] = appraised
  if (first === undefined) throw new Error('There is at least one evidence')
  const used = { id: `nonce ${nonce.text}`, until: nonce.expiresAt + deps.skewMs }
  return [{ ...first, uses: [used, ...first.uses] }, ...rest]
}

/**
 * Appraises one evidence, and checks the form of the claims.
 *
 * @throws ApiError EVIDENCE_REFUSED, UNAVAILABLE
 */
export async function appraiseEvidence(
  { types, countAppraisal, log }: Pick<AttestationDeps, 'types' | 'countAppraisal' | 'log'>,
  attestor: AttestorRow,
  evidence: Uint8Array,
  context: AppraisalContext,
): Promise<Appraisal> {
  const type = isAttestorType(attestor.type) ? types[attestor.type] : undefined
  if (type === undefined) throw new ApiError('EVIDENCE_REFUSED', `This server does not know the type ${attestor.type}`)
  try {
    if (evidence.length === 0 || evidence.length > MAX_EVIDENCE_BYTES) {
      throw new RefusedEvidence(`The evidence must have 1 to ${MAX_EVIDENCE_BYTES} bytes`)
    }
    const appraisal = await type.appraise(attestor.config, evidence, context)
    checkClaims(appraisal.claims)
    countAppraisal(attestor.type, 'OK')
    return appraisal
  } catch (error) {
    if (error instanceof ApiError && error.reason === 'UNAVAILABLE') {
      countAppraisal(attestor.type, 'UNAVAILABLE')
      throw error
    }
    countAppraisal(attestor.type, 'EVIDENCE_REFUSED')
    // Every error refuses. An unexpected one is a defect, and its text could tell about the server.
    if (!(error instanceof RefusedEvidence)) log.error({ type: attestor.type, error }, 'an appraisal failed')
    const detail = error instanceof RefusedEvidence ? error.message : 'The server could not appraise the evidence'
    throw new ApiError('EVIDENCE_REFUSED', `Attestor ${attestor.name}: ${detail}`, { cause: error })
  }
}

/** Returns what evidence must be bound to for a key, without a nonce. */
export function bindTo({ issuer }: Pick<AttestationDeps, 'issuer'>, publicKey: Uint8Array): Binding {
  const thumbprint = thumbprintOf(publicKey)
  return { publicKey, thumbprint, audience: `${issuer}/attest/${thumbprint}`, nonce: undefined }
}

function acceptNonce(
  { nonceKey }: AttestationDeps,
  text: string,
  scope: Parameters<typeof openNonce>[1],
  now: number,
): Nonce {
  const nonce = openNonce(nonceKey, scope, text)
  if (nonce === undefined || nonce.expiresAt <= now) throw new ApiError('NONCE_NOT_ACCEPTED')
  return nonce
}

/**
 * Checks the form of the list of evidence.
 *
 * @throws ApiError INVALID_ARGUMENT
 */
export function checkEvidence(evidence: readonly Evidence[]): void {
  if (evidence.length === 0 || evidence.length > MAX_EVIDENCE) {
    throw new ApiError('INVALID_ARGUMENT', `attestation.evidence must have 1 to ${MAX_EVIDENCE} entries`)
  }
  if (new Set(evidence.map(({ attestor }) => attestor)).size < evidence.length) {
    throw new ApiError('INVALID_ARGUMENT', 'attestation.evidence must name each attestor once')
  }
}

async function attestorsOf(
  { db }: AttestationDeps,
  operatorId: string,
  evidence: readonly Evidence[],
): Promise<AttestorRow[]> {
  const names = evidence.map(({ attestor }) => attestor)
  const attestors = await readAttestors(db.prisma, operatorId, names)
  return names.map((name) => {
    const row = attestors.find((attestor) => attestor.name === name)
    if (row === undefined) throw new ApiError('ATTESTOR_NOT_FOUND')
    return row
  })
}

function checkSignature(publicKey: Uint8Array, { evidence, signature }: Evidence, nonce: Nonce): void {
  const key = importPublicKey(publicKey)
  if (key !== undefined && verify(key, attestationMessage(evidence, nonce.text), signature)) return
  throw new ApiError('INVALID_SIGNATURE', 'Each evidence must be signed with the nonce by the key of the agent')
}

/** Returns what evidence that counts means for the agent. Throws ApiError EVIDENCE_REFUSED if it has expired. */
export function toAppraised(attestor: AttestorRow, evidence: Uint8Array, appraisal: Appraisal, now: number): Appraised {
  const { claims, level, uses, expiresAt = Number.POSITIVE_INFINITY } = appraisal
  const end = Math.min(expiresAt, now + attestor.resultTtl * 1000)
  if (end <= now) throw new ApiError('EVIDENCE_REFUSED', `Attestor ${attestor.name}: The evidence has expired`)
  return {
    result: {
      attestor: attestor.name,
      attestorId: attestor.id,
      type: attestor.type,
      level,
      claims,
      verifiedAt: now,
      expiresAt: end,
    },
    digest: sha256Text(evidence, 'base64url'),
    uses: uses.map(({ id, until }) => ({ id: `evidence ${attestor.operatorId} ${id}`, until })),
  }
}
