import type { GrantIdentity } from '@auth4agent/core/delegation/chain-lookups'
import { listOf } from '../../domain/list-of.ts'
import type { ExchangeRecord } from '../../store.ts'
import type { ExchangeTerms } from './decide-exchange.ts'

/** Returns what the audit of each operator in a lineage says about an exchange. */
export function describeExchange(
  lineage: readonly Pick<GrantIdentity, 'did' | 'operatorId' | 'id'>[],
  { scope, audience, details }: ExchangeTerms,
): ExchangeRecord {
  const dids = lineage.map(({ did }) => did)
  const parts = [
    `actor ${dids.at(-1)}`,
    `principal ${dids[0]}`,
    listOf('grants', [...new Set(lineage.map(({ id }) => id))]),
    listOf('through', dids.slice(1, -1)),
    listOf('scope', scope),
    listOf(
      'audience',
      audience.map(({ text }) => text),
    ),
    listOf('details', [...details.keys()]),
  ]
  return {
    operatorIds: [...new Set(lineage.map(({ operatorId }) => operatorId))],
    reason: parts.filter((part) => part !== '').join('; '),
  }
}
