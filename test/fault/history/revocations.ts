import type { Action, Holder, Operation, RevocationName } from './history.ts'

/** A token that a client holds, with the begin and end of its request. */
export interface KnownToken extends Holder {
  readonly jti: string
  readonly begin: number
  readonly end: number
}

/** An acknowledged change that ends tokens, after any number of attempts. */
export interface Revocation {
  readonly requestId: string
  readonly name: RevocationName
  readonly subject: string
  /** When the first attempt began. */
  readonly begin: number
  /** When the first acknowledgement arrived. */
  readonly acknowledged: number
}

/** For each change, the part of a token that its subject is compared with. */
const ENDS: Readonly<Record<RevocationName, (token: KnownToken) => string>> = {
  'revoke-token': ({ jti }) => jti,
  'suspend-agent': ({ agent }) => agent,
  'narrow-scopes': ({ agent }) => agent,
  'suspend-operator': ({ operator }) => operator,
  'end-operator-tokens': ({ operator }) => operator,
}

/** Lists the tokens that clients received. */
export function tokensOf(operations: readonly Operation[]): KnownToken[] {
  return operations.flatMap(({ action, outcome, begin, end }) =>
    action.name === 'token' && action.jti !== undefined && outcome.kind === 'ok'
      ? [{ jti: action.jti, agent: action.agent, operator: action.operator, begin, end }]
      : [],
  )
}

/** Lists the acknowledged changes that end tokens. */
export function acknowledgedRevocations(operations: readonly Operation[]): Revocation[] {
  const found = new Map<string, Revocation>()
  const began = new Map<string, number>()
  for (const { requestId, begin } of operations) began.set(requestId, Math.min(begin, began.get(requestId) ?? begin))
  for (const { requestId, begin, end, action, outcome } of operations) {
    if (!isRevocation(action) || outcome.kind !== 'ok') continue
    const acknowledged = Math.min(end, found.get(requestId)?.acknowledged ?? end)
    const { name, subject } = action
    found.set(requestId, { requestId, name, subject, begin: began.get(requestId) ?? begin, acknowledged })
  }
  return [...found.values()]
}

/**
 * Returns for each token the change that is the first to end it for certain, by its earliest acknowledgement. A token
 * whose request overlapped a change may carry the new epoch, so only tokens from before the first attempt count.
 * Revoking a single token always counts.
 */
export function endOfTokens(
  tokens: readonly KnownToken[],
  revocations: readonly Revocation[],
): ReadonlyMap<string, Revocation> {
  const bySubject = Map.groupBy(revocations, ({ name, subject }) => `${name} ${subject}`)
  const ends = new Map<string, Revocation>()
  for (const token of tokens) {
    const relevant = Object.entries(ENDS).flatMap(([name, of]) => bySubject.get(`${name} ${of(token)}`) ?? [])
    const surely = relevant.filter(({ name, begin }) => name === 'revoke-token' || token.end <= begin)
    const first = surely.toSorted((one, other) => one.acknowledged - other.acknowledged)[0]
    if (first !== undefined) ends.set(token.jti, first)
  }
  return ends
}

function isRevocation(action: Action): action is { name: RevocationName; subject: string } {
  return action.name in ENDS
}
