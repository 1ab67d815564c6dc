import type { TrustDraft, TrustStatement } from '@auth4agent/core/trust/statement'
import type { OperatorSnapshot } from '../../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { ApiError } from '../../../platform/errors/api-error.ts'

/** An operator of this deployment, as far as statements name it. */
type NamedOperator = Pick<OperatorSnapshot, 'id' | 'domain'>

/**
 * Checks that a draft or statement names an operator of this deployment as its signer.
 *
 * @throws ApiError INVALID_STATEMENT
 */
export function checkSigner({ iss, home, domain }: TrustDraft, { id, domain: own }: NamedOperator, issuer: string) {
  demand(iss === id, `iss of the statement must be the operator ${id}`)
  demand(home === issuer, `home of the statement must be exactly ${issuer}`)
  demand(domain === own, `domain of the statement must be ${own}`)
}

/**
 * Checks that a draft or statement names an operator of this deployment rightly as its subject.
 *
 * @param operator the operator with the id `sub`, if there is one
 * @throws ApiError INVALID_STATEMENT
 */
export function checkSubject(
  { sub, subHome, subDomain }: TrustDraft,
  operator: NamedOperator | undefined,
  issuer: string,
) {
  demand(subHome === issuer, `sub_home of the statement must be exactly ${issuer}`)
  demand(operator?.id === sub, `sub of the statement must be an operator of ${issuer}`)
  demand(subDomain === operator.domain, `sub_domain of the statement must be ${operator.domain}`)
}

/**
 * Checks the times of a statement that is put now. The clock of its signer may be ahead by `skewS`. In seconds.
 *
 * @throws ApiError INVALID_STATEMENT
 */
export function checkTimes({ kind, iat, nbf, exp }: TrustStatement, nowS: number, skewS: number): void {
  demand(iat <= nowS + skewS, 'iat of the statement must not be in the future')
  demand(exp > nowS, 'exp of the statement must be in the future')
  // Nothing happens at the time nbf, so a copy in memory would miss the beginning of the block.
  demand(kind !== 'blocks' || nbf <= nowS + skewS, 'nbf of a statement of the kind blocks must not be in the future')
}

function demand(isRight: boolean, detail: string): asserts isRight {
  if (!isRight) throw new ApiError('INVALID_STATEMENT', detail)
}
