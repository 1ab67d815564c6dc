import type { Audience } from '@auth4agent/core/token/audience'
import type { MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import type { TrustAdmissionSchema } from '../../../gen/proto/auth4agent/v1/trust_pb.ts'
import { identify, PROOF_AGE_MS } from '../decide/identify.ts'
import type { GraphAdmission } from '../decide/paths/list-paths.ts'
import { joinLegs } from '../decide/permit.ts'
import type { Owner } from '../decide/rows.ts'
import { stepOf } from '../decide/steps.ts'
import type { KnownIssuer } from '../issuers/known-issuer.ts'
import type { AroundOwner } from './read-around-owner.ts'

/** That agents of an operator of another deployment may call an audience. */
export interface Admission {
  /** The operator's node in the graph. */
  readonly node: string
  /** The issuers on which it rests. */
  readonly issuers: readonly KnownIssuer[]
  /** The admission as the contract has it, with all that it rests on. */
  readonly message: MessageInitShape<typeof TrustAdmissionSchema>
}

/** An audience with its owner. */
export interface OwnedAudience {
  readonly audience: Audience
  readonly owner: Owner
  /** Unix milliseconds. */
  readonly at: number
}

/**
 * Turns a path of the graph into an admission. Returns undefined if a token of the caller would be refused: its issuer
 * is not enabled or does not speak for its domain.
 */
export function toAdmission(
  around: AroundOwner,
  { caller, path, scopes }: GraphAdmission,
  { audience, owner, at }: OwnedAudience,
): Admission | undefined {
  const party = around.parties.get(caller)
  const identity = identify(party && around.issuers.get(party.home), party, at)
  if (!identity.ok) return undefined
  const { issuer, domain } = identity
  const steps = path.map((edge) => stepOf(around, edge, (home) => around.issuers.get(home)))
  const trusted = joinLegs(identity, { owner, steps, scopes: [] }, audience)
  if (trusted === undefined) return undefined
  const signers = steps.flatMap(
    ({ edge, home }) => home?.domains.get(around.parties.get(edge.from)?.domain ?? '') ?? [],
  )
  // The administrator's word does not grow old.
  const proofs = [domain, ...signers].flatMap(({ provenAt }) => provenAt ?? [])
  const expiresAt = Math.min(trusted.exp * 1_000, ...proofs.map((provenAt) => provenAt + PROOF_AGE_MS))
  if (expiresAt <= at) return undefined
  return {
    node: caller,
    issuers: [issuer, ...steps.flatMap(({ home }) => home ?? [])],
    message: {
      issuer: issuer.issuer,
      domain: domain.domain,
      operatorId: domain.operatorId,
      scopes: Object.entries(scopes).map(([scope, values]) => ({ scope, values: [...values] })),
      edgeIds: [...trusted.basis.edges],
      authors: steps.map(({ edge, signerId: operatorId, epoch, issuer: home = '' }) => {
        return { edgeId: edge.id, operatorId, epoch, home }
      }),
      expiresAt: timestampFromMs(Math.floor(expiresAt)),
    },
  }
}
