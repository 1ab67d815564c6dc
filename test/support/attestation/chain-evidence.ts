import type { KeyObject } from 'node:crypto'
import type { AppraisalContext } from '../../../services/attestation/types/attestor-type.ts'
import type { EvidenceAlgorithm } from '../../../services/platform/jwt/algorithms.ts'
import { signEvidence } from './evidence-keys.ts'
import { NOW } from './make-certificate.ts'
import type { Made } from './make-chain.ts'

/** The context of an appraisal of an agent's evidence, with a nonce. */
export function chainContext(changed: Partial<AppraisalContext> = {}): AppraisalContext {
  const bytes = Buffer.alloc(32, 7)
  return {
    binding: {
      publicKey: Buffer.alloc(32, 1),
      thumbprint: 'agent-thumbprint',
      audience: 'https://auth.example/attest/agent-thumbprint',
      nonce: { bytes, text: bytes.toString('base64url') },
    },
    issuer: 'https://auth.example',
    attestorId: 'attestor-1',
    now: NOW,
    skewMs: 60_000,
    ...changed,
  }
}

/** How evidence differs from good evidence. */
export interface EvidenceParts {
  readonly alg?: EvidenceAlgorithm
  /** What `alg` says, if it is not the algorithm that signs. */
  readonly named?: unknown
  readonly nonce?: string
  readonly thumbprint?: string
  readonly prefix?: string
  readonly key?: KeyObject
  /** Replaces or adds members. */
  readonly members?: object
}

/** Makes the evidence of a chain that was made root first: the root is left out. */
export function chainEvidence(made: readonly Made[], parts: EvidenceParts = {}): Buffer {
  const { alg = 'ES256', prefix = 'auth4agents-x509', thumbprint = 'agent-thumbprint' } = parts
  const nonce = parts.nonce ?? chainContext().binding.nonce?.text
  const privateKey = parts.key ?? made.at(-1)?.pair.privateKey
  if (privateKey === undefined) throw new RangeError('A chain has a leaf')
  const signature = signEvidence({ alg, privateKey }, Buffer.from(`${prefix}:${nonce}:${thumbprint}`))
  return encodeEvidence({
    chain: made
      .slice(1)
      .toReversed()
      .map(({ der }) => der.toString('base64')),
    signature: Buffer.from(signature).toString('base64'),
    alg: 'named' in parts ? parts.named : alg,
    ...parts.members,
  })
}

/** Writes evidence as JSON. */
export function encodeEvidence(members: object): Buffer {
  return Buffer.from(JSON.stringify(members))
}
