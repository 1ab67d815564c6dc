import type { GrantIdentity } from '@auth4agent/core/delegation/chain-lookups'
import type { ExchangeRecord } from '../../store.ts'
import type { ExchangeTerms } from './decide-exchange.ts'

/** The most characters of a reason in the audit. A longer one ends with an ellipsis. */
const MAX_REASON = 2_048

/** Returns what the audit of each operator in a lineage says about an exchange. */
export function describeExchange(
  lineage: readonly Pick<GrantIdentity, 'did' | 'operatorId' | 'id'>[],
  { scope, audience, details }: ExchangeTerms,
): ExchangeRecord {
  const dids = lineage.map(({ did }) => did)
  const parts = [
    `actor ${dids.at(-1)}`,
    `principal ${dids[0]}`,
    listOf('through', dids.slice(1, -1)),
    listOf(
      'audience',
      audience.map(({ text }) => text),
    ),
    listOf('scope', scope),
    listOf('details', [...details.keys()]),
    listOf('grants', [...new Set(lineage.map(({ id }) => id))]),
  ]
  const reason = parts.filter((part) => part !== '').join('; ')
  return {
    operatorIds: [...new Set(lineage.map(({ operatorId }) => operatorId))],
    reason: reason.length <= MAX_REASON ? reason : `${reason.slice(0, MAX_REASON - 1)}…`,
  }
}

function listOf(name: string, values: readonly string[]): string {
  return values.length === 0 ? '' : `${name} ${values.join(' ')}`
}
