import { isUuid } from '@auth4agent/core/encoding/uuid'
import { isDomain } from '@auth4agent/core/identity/domain'
import { isIssuerUrl } from '@auth4agent/core/identity/issuer-url'
import { type Audience, parseAudience } from '@auth4agent/core/token/audience'
import { parseScopeString } from '@auth4agent/core/token/scope'
import type { OperatorSnapshot } from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import type { ExplainTrustRequest } from '../../../gen/proto/auth4agent/v1/trust_pb.ts'
import type { Call } from '../../calls/call.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { foreignNode, type Party } from '../decide/read-statements.ts'
import type { Owner } from '../decide/rows.ts'
import type { ExplainDeps } from './deps.ts'

/** The operator whose agents want to call. */
export interface Caller extends Party {
  /** Its node in the graph. */
  readonly node: string
  /** Whether it is at this deployment. */
  readonly isLocal: boolean
  /** The operator of this deployment, if there is one. */
  readonly operator: OperatorSnapshot | undefined
}

/** A question that its asker may ask. */
export interface Question {
  /** The operator that asks; undefined for the administrator. */
  readonly asker: string | undefined
  readonly audience: Audience
  readonly scopes: readonly string[]
  /** The owner of the audience. `operatorId` is empty if nobody owns it. */
  readonly owner: Owner & { readonly domain: string }
  readonly caller: Caller
}

/**
 * Reads a question, and refuses one that its asker may not ask.
 *
 * @throws ApiError INVALID_ARGUMENT, INVALID_AUDIENCE, INVALID_SCOPE, PERMISSION_DENIED, OPERATOR_NOT_FOUND
 */
export async function readQuestion(
  deps: ExplainDeps,
  { from, home, to, scope }: ExplainTrustRequest,
  call: Call,
): Promise<Question> {
  const audience = parseAudience(to)
  if (audience === undefined) throw new ApiError('INVALID_AUDIENCE', 'to must be a URL or a host name')
  const scopes = parseScopeString(scope)
  if (scopes === undefined) throw new ApiError('INVALID_SCOPE')
  if (!isUuid(from) && !isDomain(from)) {
    throw new ApiError('INVALID_ARGUMENT', 'from must be a domain in A-labels or an operator id')
  }
  if (home !== '' && home !== deps.issuer && !isIssuerUrl(home)) {
    throw new ApiError('INVALID_ARGUMENT', 'home must be an issuer, such as https://auth.example')
  }
  const { operators } = deps
  const by = isUuid(from) ? ({ case: 'id', value: from } as const) : ({ case: 'domain', value: from } as const)
  const { operator: local } = await operators.lookupOperator({ by }, call)
  const { operatorId, rules } = await operators.lookupAudienceOwner(
    { host: audience.host, audiences: [audience.text], callers: [local?.domain ?? from] },
    call,
  )
  const { principal } = call
  const asker = principal.kind === 'operator' ? principal.operatorId : undefined
  const isAboutUs = home === '' || home === deps.issuer
  if (principal.kind !== 'admin' && asker !== operatorId && !(isAboutUs && asker === local?.id)) {
    const detail = "Only the caller's operator, the audience's owner and the administrator may ask this"
    throw new ApiError('PERMISSION_DENIED', detail)
  }
  const caller = await findCaller(deps, { from, home }, operatorId, local)
  const owner =
    operatorId === '' ? undefined : await operators.lookupOperator({ by: { case: 'id', value: operatorId } }, call)
  const domain = owner?.operator?.domain ?? ''
  return { asker, audience, scopes, owner: { operatorId, rules, domain }, caller }
}

/** `local` is the operator of this deployment that the question can mean. */
async function findCaller(
  { rows, issuer }: ExplainDeps,
  { from, home }: Pick<ExplainTrustRequest, 'from' | 'home'>,
  owner: string,
  local: OperatorSnapshot | undefined,
): Promise<Caller> {
  if (home === issuer) return localCaller(issuer, from, local)
  const isPossible = (place: Party) => home === '' || place.home === home
  const proven = (await rows.places(from)).filter(isPossible)
  const isHere = home === '' && local !== undefined
  const isKnown = proven.length > 0 || isHere || owner === ''
  const [place, ...others] = isKnown ? proven : (await rows.named(owner, from)).filter(isPossible)
  if (place !== undefined && (others.length > 0 || isHere)) {
    const homes = [...(isHere ? [issuer] : []), place.home, ...others.map((other) => other.home)]
    throw new ApiError(
      'INVALID_ARGUMENT',
      `home must be one of ${homes.join(', ')}, because ${from} is at each of them`,
    )
  }
  if (place?.home === issuer || (place === undefined && home === '')) return localCaller(issuer, from, local)
  if (place === undefined && isUuid(from)) throw unknownOperator()
  const found = place ?? { home, domain: from, operatorId: '' }
  const node = foreignNode(found.home, found.domain, found.operatorId)
  return { ...found, node, isLocal: false, operator: undefined }
}

function localCaller(home: string, from: string, operator: OperatorSnapshot | undefined): Caller {
  if (operator === undefined && isUuid(from)) throw unknownOperator()
  const operatorId = operator?.id ?? ''
  return { home, domain: operator?.domain ?? from, operatorId, node: operatorId, isLocal: true, operator }
}

function unknownOperator(): ApiError {
  return new ApiError('OPERATOR_NOT_FOUND', 'No operator with this id is known here; from may also be its domain')
}
