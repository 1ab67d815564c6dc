import type { Authority } from '../../../trust/index.ts'
import { listOf } from '../../domain/list-of.ts'
import type { Subject } from '../../domain/subject.ts'
import type { ExchangeRecord } from '../../store.ts'
import type { ChainingRequest } from './chaining-request.ts'

/** Returns what the audit of the agent's operator says about a grant for another deployment. */
export function describeChaining(
  { agent, operator }: Subject,
  { issuer, resource }: Pick<ChainingRequest, 'issuer' | 'resource'>,
  tokenId: string,
  { scopes, edge }: Authority,
): ExchangeRecord {
  const parts = [
    `actor ${agent.did}`,
    `chained to ${issuer}`,
    listOf('grants', [tokenId]),
    listOf('scope', scopes),
    listOf('audience', [resource]),
    listOf('edges', [edge]),
  ]
  return { operatorIds: [operator.id], reason: parts.join('; ') }
}
