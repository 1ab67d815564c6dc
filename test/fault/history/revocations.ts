import type { Action, Holder, Operation, RevocationName } from './history.ts'

/** A token that a client has received, with the begin and the end of its request. */
export interface KnownToken extends Holder {
  readonly jti: string
  readonly begin: number
  readonly end: number
}

/** A change that ends tokens and returned success, after any number of attempts. */
export interface Revocation {
  readonly requestId: string
  readonly name: RevocationName
  readonly subject: string
  /** When the first attempt began. */
  readonly begin: number
  /** When the first answer with success arrived. */
  readonly acknowledged: number
}

/** For each change, the member of a token that must equal the subject of the change. */
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

/** Lists the changes that end tokens and returned success. */
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
 * Returns for each token the first change that has certainly ended it. A token whose request overlapped a change may
 * have the new epoch, so a change counts only for tokens from before its first attempt. The revocation of a single
 * token always counts.
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
