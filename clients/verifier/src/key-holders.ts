import type { KeySet } from '@auth4agent/core/jose/key-set'

/** Divides the keys that one issuer publishes into those that it may use, and those that another issuer holds. */
type ChooseKeys = (published: KeySet) => {
  readonly own: KeySet
  /** The other keys by `kid`, each with the issuer that holds it. */
  readonly held: ReadonlyMap<string, string>
}

/** Adds an issuer. `lose` is called for a key of this issuer that an issuer added earlier publishes now. */
export type AddIssuer = (issuer: string, lose: (kid: string, holder: string) => void) => ChooseKeys

interface Holder {
  readonly issuer: string
  readonly rank: number
  readonly lose: (kid: string, holder: string) => void
}

/**
 * Keeps each key for one issuer: the one that was added first of those that publish it in their newest set. So a later
 * issuer cannot take the keys of an earlier one by publishing them too, whichever set is fetched first.
 */
export function createKeyHolders(): AddIssuer {
  const holders = new Map<string, Holder>()
  let count = 0
  return (issuer, lose) => {
    const me: Holder = { issuer, rank: count, lose }
    count += 1
    return (published) => {
      for (const [kid, holder] of holders) if (holder === me && !published.has(kid)) holders.delete(kid)
      const held = new Map<string, string>()
      for (const kid of published.keys()) {
        const holder = holders.get(kid) ?? me
        if (holder.rank < me.rank) held.set(kid, holder.issuer)
        else holders.set(kid, me)
        if (holder.rank > me.rank) holder.lose(kid, issuer)
      }
      return { own: new Map([...published].filter(([kid]) => !held.has(kid))), held }
    }
  }
}
