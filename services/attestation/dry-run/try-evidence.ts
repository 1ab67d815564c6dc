import { decodeBase64url } from '@auth4agent/core/encoding/base64'
import { attestationMessage } from '@auth4agent/core/identity/attestation'
import { importPublicKey, verify } from '@auth4agent/core/keys/ed25519'
import { shownName } from '@auth4agent/core/names/shown-name'
import type { MessageInitShape } from '@bufbuild/protobuf'
import type { Evidence } from '../../../gen/proto/auth4agent/v1/attestation_pb.ts'
import type { TriedEvidenceSchema } from '../../../gen/proto/auth4agent/v1/attestation_policy_pb.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { type Appraised, appraiseEvidence, bindTo, toAppraised } from '../appraise.ts'
import type { AttestationDeps } from '../config.ts'
import { openNonce } from '../nonce.ts'
import { toResultMessage } from '../routes.ts'
import { hideSecrets } from '../rules/explain-rule.ts'
import type { CurrentResult } from '../rules/results.ts'
import type { AttestorRow } from '../store/read-policy.ts'
import { isUsed } from '../store/results.ts'

/** What the evidence of a dry run must be bound to. */
export interface Trial {
  readonly operatorId: string
  /** Raw Ed25519 public key of the agent; a new one if the request names none, so that nothing is bound to it. */
  readonly publicKey: Uint8Array
  readonly namesKey: boolean
  /** The nonce as the request has it; empty for none. */
  readonly nonce: string
}

/** What came of one evidence. */
export interface TriedEvidence {
  readonly message: MessageInitShape<typeof TriedEvidenceSchema>
  /** Undefined if the evidence is refused. */
  readonly result: CurrentResult | undefined
  /** Why the evidence is refused; empty if it counts. */
  readonly refusal: string
}

const NONCE_BYTES = 32

/** Tries one evidence, and tells what RegisterAgent would demand besides. It uses nothing up. */
export async function tryEvidence(
  deps: AttestationDeps,
  attestors: readonly AttestorRow[],
  evidence: Evidence,
  trial: Trial,
): Promise<TriedEvidence> {
  const { attestor: name } = evidence
  const missing = demandsOf(deps, evidence, trial)
  try {
    const appraised = await appraise(deps, attestors, evidence, trial)
    const used = [`nonce ${trial.nonce}`, ...appraised.uses.map(({ id }) => id)]
    if (await isUsed(deps.readDb.prisma, used)) missing.push('nonce and evidence must not have been used before')
    const { result } = appraised
    const shown = toResultMessage({ ...result, claims: hideSecrets(result.claims) })
    return { message: { attestor: name, result: shown, missing }, result, refusal: '' }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    const refusal = error.message
    return { message: { attestor: name, refusal, missing }, result: undefined, refusal }
  }
}

async function appraise(
  deps: AttestationDeps,
  attestors: readonly AttestorRow[],
  { attestor: name, evidence }: Evidence,
  { publicKey, nonce }: Trial,
): Promise<Appraised> {
  const attestor = attestors.find((each) => each.name === name)
  if (attestor === undefined)
    throw new ApiError('ATTESTOR_NOT_FOUND', `The operator has no attestor ${shownName(name)}`)
  const bytes = decodeBase64url(nonce)
  const binding = {
    ...bindTo(deps, publicKey),
    nonce: bytes?.length === NONCE_BYTES ? { bytes, text: nonce } : undefined,
  }
  const now = deps.now()
  const context = { binding, issuer: deps.issuer, attestorId: attestor.id, now, skewMs: deps.skewMs }
  // A trial says nothing about agents, so the metrics do not count it.
  const appraisal = await appraiseEvidence({ ...deps, countAppraisal() {} }, attestor, evidence, context)
  return toAppraised(attestor, evidence, appraisal, now)
}

function demandsOf(deps: AttestationDeps, { evidence, signature }: Evidence, trial: Trial): string[] {
  const { operatorId, publicKey, namesKey, nonce: text } = trial
  const scope = { purpose: 'enrol', operatorId, thumbprint: bindTo(deps, publicKey).thumbprint } as const
  const nonce = openNonce(deps.nonceKey, scope, text)
  const key = importPublicKey(publicKey)
  const isSigned = key !== undefined && verify(key, attestationMessage(evidence, text), signature)
  return [
    ...(namesKey ? [] : ['agent_public_key must be the key of the agent']),
    ...(nonce !== undefined && nonce.expiresAt > deps.now()
      ? []
      : ['nonce must be one of CreateAttestationNonce for this key and the purpose enrol, which has not expired']),
    ...(isSigned ? [] : ['signature must be by the key of the agent, over the evidence and the nonce']),
  ]
}
