import type { GrantIdentity } from '@auth4agent/core/delegation/chain-lookups'
import type { ExchangeRecord } from '../../store.ts'
import type { ExchangeTerms } from './decide-exchange.ts'

/**
 * The most characters of a list in a reason. It is enough for the longest single value and for the grants of a chain.
 * Each list has a limit of its own, so no client can push out the facts of another list.
 */
const MAX_LIST = 600

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

/** Scopes and URLs may contain a semicolon, but no space and no quote. So no value can look like another part. */
function listOf(name: string, values: readonly string[]): string {
  if (values.length === 0) return ''
  const kept = values.filter((_, at) => JSON.stringify(values.slice(0, at + 1)).length <= MAX_LIST)
  const rest = values.length - kept.length
  return `${name} ${JSON.stringify(kept)}${rest === 0 ? '' : ` and ${rest} more`}`
}
