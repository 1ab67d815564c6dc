import { type DelegatedClaims, formatDelegatedClaims } from '@auth4agent/core/delegation/delegated-claims'
import { parseCapabilities } from '@auth4agent/core/delegation/parse-capabilities'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { details } from './grant-chains.ts'
import { SHOP } from './held-chains.ts'
import { claimsOf } from './tokens.ts'

/** What the details allow unless a test says otherwise. */
const TOOLS = { [`${SHOP}#pay`]: { amount: { constraint_type: 'range', max: 500 } } }

/** A party of a delegation in a test. */
export interface TestParty {
  readonly did: string
  readonly operatorId: string
  readonly publicKey: Uint8Array
}

/** How a test changes the claims of a delegated token. */
export type DelegatedWish = Partial<DelegatedClaims> & { readonly tools?: object; readonly kid?: string }

/** Returns claims of a delegated token with which the last agent acts for the first, through those between. */
export function delegatedClaims(
  agents: readonly TestParty[],
  { tools = TOOLS, kid = 'grant-key', ...claims }: DelegatedWish = {},
): DelegatedClaims {
  const [principal, last] = [agents[0], agents.at(-1)]
  if (principal === undefined || last === undefined) throw new RangeError('A delegation must have parties')
  const read = Object.keys(tools).length === 0 ? undefined : parseCapabilities(details(tools))
  if (read?.ok === false) throw new RangeError(read.rule)
  const epoch = [1, 1] as const
  return {
    ...claimsOf(principal),
    aud: [SHOP],
    client_id: last.did,
    cnf: { jkt: thumbprint(last.publicKey) },
    lineage: agents.map(({ did, operatorId }) => ({ did, operatorId, epoch, id: crypto.randomUUID(), kid })),
    details: read?.value ?? new Map(),
    ...claims,
  }
}

/** Returns the payload of a delegated token, in the form that is signed. */
export function delegatedPayload(agents: readonly TestParty[], wish: DelegatedWish = {}) {
  return formatDelegatedClaims(delegatedClaims(agents, wish))
}
