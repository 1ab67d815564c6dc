import { mayMakeCalls } from '../../../calls/authenticate.ts'
import type { AdminPrincipal, OperatorPrincipal } from '../../../calls/call.ts'
import { findKey, isValidAt } from '../../../calls/operator-keys.ts'
import { openText, sealText } from '../../../keys/index.ts'
import { ApiError } from '../../../platform/errors/api-error.ts'
import type { Cause } from '../../../platform/trace/span.ts'
import type { TrustDeps } from '../../config.ts'
import type { Viewer } from '../read-visible.ts'

type ViewDeps = Pick<TrustDeps, 'challengeKeys' | 'now' | 'operators'>

/** The graph that a link shows. */
export interface OpenedView {
  readonly viewer: Viewer
  /** Domain of the operator whose graph it is; empty for others. */
  readonly domain: string
  /** When the link ends, in Unix milliseconds; absent without a link. */
  readonly expiresAt?: number
}

/** Seconds for which a link works. */
const LIFETIME_S = 300
const ADMIN = 'admin'

/**
 * Seals whose graph a link shows: the expiry in Unix seconds, and `admin`, or the operator's id with the thumbprint of
 * the key that asked.
 *
 * @throws ApiError UNAVAILABLE
 */
export async function sealView(
  deps: Pick<ViewDeps, 'challengeKeys' | 'now'>,
  principal: OperatorPrincipal | AdminPrincipal,
): Promise<{ readonly view: string; readonly expiresAt: number }> {
  const exp = Math.floor(deps.now() / 1_000) + LIFETIME_S
  const whose = principal.kind === 'admin' ? ADMIN : `${principal.operatorId}.${principal.key.kid}`
  return { view: await sealText(deps, 'trust-view', `${exp}.${whose}`), expiresAt: exp * 1_000 }
}

/**
 * Opens the parameter of a link. The empty text is the view of everybody. The view of an operator counts only while
 * the operator could ask again with the same key.
 *
 * @throws ApiError INVALID_VIEW or VIEW_EXPIRED
 */
export async function openView(deps: ViewDeps, view: string, cause: Cause): Promise<OpenedView> {
  if (view === '') return { viewer: { kind: 'anyone' }, domain: '' }
  const text = await openText(deps, 'trust-view', view)
  if (text === undefined) {
    throw new ApiError('INVALID_VIEW', 'view must be the whole parameter of a link, unchanged')
  }
  const [exp, whose = '', kid = ''] = text.split('.')
  const expiresAt = Number(exp) * 1_000
  if (deps.now() >= expiresAt) throw expired('The link has expired; CreateTrustView makes a new one')
  if (whose === ADMIN) return { viewer: { kind: 'admin' }, domain: '', expiresAt }
  const { operator } = await deps.operators.lookupOperator({ by: { case: 'id', value: whose } }, cause)
  const key = operator && mayMakeCalls(operator) ? findKey(operator, kid) : undefined
  if (operator === undefined || key === undefined || !isValidAt(key, deps.now() / 1_000)) {
    throw expired('The link has ended, because the key that made it is no longer valid')
  }
  return { viewer: { kind: 'operator', operatorId: whose }, domain: operator.domain, expiresAt }
}

function expired(detail: string): ApiError {
  return new ApiError('VIEW_EXPIRED', detail)
}
