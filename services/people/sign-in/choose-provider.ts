import { domainToASCII } from 'node:url'
import type { IdentityProvider, PrismaClient } from '../../../gen/prisma/client.ts'
import type { OperatorDirectoryService } from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { InternalClient } from '../../platform/rpc/internal-client.ts'
import type { Cause } from '../../platform/trace/span.ts'
import { listProviders } from '../store/providers.ts'

/** Dependencies of a choice. */
export interface ChooseDeps {
  readonly db: { readonly prisma: PrismaClient }
  readonly operators: Pick<InternalClient<typeof OperatorDirectoryService>, 'lookupOperator'>
}

/** Every operator. */
export const EVERYONE = '*'
/** Look-ups for one text: the domain and its parents. */
const MAX_LABELS = 8
const DOMAIN = /^(?=.{1,253}$)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+$/

/** Returns the domain of an e-mail address, or of a text that is a domain, in A-labels; empty if there is none. */
export function domainOf(who: string): string {
  const text = who.slice(who.lastIndexOf('@') + 1).trim()
  // domainToASCII silently decodes and removes some characters.
  const ascii = /[\s/\\%?#:[\]]/.test(text) ? '' : domainToASCII(text).toLowerCase()
  return DOMAIN.test(ascii) ? ascii : ''
}

/**
 * Finds the identity providers of the operator that has proven a domain, or the nearest parent of it.
 *
 * @param domains the domains of operators whose users may come, or `*`
 * @throws ApiError PROVIDER_NOT_FOUND, with the same words for a domain that nobody has proven, one whose operator
 *   names no provider, and one whose users may not come
 */
export async function findProviders(
  { db, operators }: ChooseDeps,
  domains: readonly string[],
  domain: string,
  cause: Cause,
): Promise<readonly [IdentityProvider, ...IdentityProvider[]]> {
  for (const value of withParents(domain)) {
    const { operator } = await operators.lookupOperator({ by: { case: 'domain', value } }, cause)
    if (operator === undefined) continue
    const mayCome = domains.includes(EVERYONE) || domains.includes(operator.domain)
    const isProven = operator.status === 'active'
    const [first, ...others] = mayCome && isProven ? await listProviders(db.prisma, operator.id) : []
    if (first !== undefined) return [first, ...others]
    break
  }
  throw new ApiError('PROVIDER_NOT_FOUND', 'Nobody of this domain can sign in here')
}

function withParents(domain: string): readonly string[] {
  const labels = domain === '' ? [] : domain.split('.').slice(-MAX_LABELS)
  return labels.slice(0, -1).map((_, index) => labels.slice(index).join('.'))
}
