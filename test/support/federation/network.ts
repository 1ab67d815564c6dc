import { configurationUrl } from '../../../services/federation/domain/entity-id.ts'
import { type Resolution, resolveChains, type SearchTools } from '../../../services/federation/domain/resolve-chains.ts'
import type { TrustAnchor } from '../../../services/federation/domain/verify-chain.ts'
import {
  anchorOf,
  type Claims,
  createKey,
  type FederationKey,
  NOW_S,
  planConfiguration,
  planStatement,
  SUBJECT,
  signStatement,
} from './entities.ts'

/** The superiors of each entity. */
type Superiors = Readonly<Record<string, readonly string[]>>

/** Claims that replace those of a statement, by its issuer and subject. */
type Overrides = (iss: string, sub: string) => Claims

/** A federation whose statements a search can fetch. */
export interface Network {
  /** The statements by their URLs. Tests may change them. */
  readonly texts: Map<string, string>
  /** URLs in the order in which they were fetched. */
  readonly fetched: string[]
  anchor(id: string): TrustAnchor
  key(id: string): FederationKey
  resolve(anchors: readonly string[], tools?: Partial<SearchTools>): Promise<Resolution>
}

/**
 * Creates a federation. Every superior answers about its subordinates at `{id}/fetch`. Entities have new keys, except
 * those in `given`.
 */
export function createNetwork(
  superiors: Superiors,
  overrides: Overrides = () => ({}),
  given: Readonly<Record<string, FederationKey>> = {},
): Network {
  const ids = [...new Set([...Object.keys(superiors), ...Object.values(superiors).flat()])]
  const keys = new Map(ids.map((id) => [id, given[id] ?? createKey()]))
  const key = (id: string) => keys.get(id) ?? createKey()
  const texts = new Map<string, string>()
  const fetched: string[] = []
  for (const id of ids) {
    const above = superiors[id] ?? []
    texts.set(configurationUrl(id), signStatement(planConfiguration(id, key(id), ownClaims(id, above, overrides))))
    for (const superior of above) {
      const plan = planStatement(superior, key(superior), id, key(id), overrides(superior, id))
      texts.set(fetchUrl(superior, id), signStatement(plan))
    }
  }
  const anchor = (id: string) => anchorOf(id, key(id))
  const fetch = async (url: string) => {
    fetched.push(url)
    const text = texts.get(url)
    if (text === undefined) throw new Error('404')
    return text
  }
  const resolve: Network['resolve'] = (anchors, tools = {}) =>
    resolveChains(SUBJECT, anchors.map(anchor), { fetch, now: () => NOW_S * 1_000, ...tools })
  return { texts, fetched, anchor, key, resolve }
}

function ownClaims(id: string, superiors: readonly string[], overrides: Overrides): Claims {
  const metadata =
    id === SUBJECT
      ? { oauth_authorization_server: { issuer: id } }
      : { federation_entity: { federation_fetch_endpoint: `${id}/fetch` } }
  return { metadata, ...(superiors.length > 0 && { authority_hints: superiors }), ...overrides(id, id) }
}

/** Returns where a superior says something about an entity. */
export function fetchUrl(superior: string, subject: string): string {
  return `${superior}/fetch?sub=${encodeURIComponent(subject)}`
}
