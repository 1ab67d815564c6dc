import { signAssertion } from '@auth4agent/core/identity/assertion'
import { bodyDigest } from '@auth4agent/core/identity/body-digest'
import type { RevocationFeed } from '@auth4agent/core/revocation/feed'
import { discover, type Places } from './discovery.ts'
import type { Followable } from './issuer-options.ts'
import type { CoreSettings } from './options.ts'
import { sseFeed } from './sse-feed.ts'

/** Makes a function that reads the issuer's discovery document once. If that fails, the next call tries again. */
export function createLocate({ fetch, issuer }: Pick<CoreSettings, 'fetch' | 'issuer'>): () => Promise<Places> {
  let places: Promise<Places> | undefined
  return () => {
    places ??= discover(fetch, issuer).catch((error: unknown) => {
      places = undefined
      throw error
    })
    return places
  }
}

/** Returns the feed that the options chose. */
export function feedOf(
  { revocations, fetch, issuer }: Pick<CoreSettings, 'fetch' | 'issuer'> & { readonly revocations: Followable },
  locate: () => Promise<Places>,
): RevocationFeed {
  if ('open' in revocations) return revocations
  const authorize = async (url: string): Promise<string> => {
    if ('authorization' in revocations) return revocations.authorization()
    const { operatorId, key } = revocations
    const rpc = `GET ${new URL(url).pathname}`
    const content = { party: operatorId, issuer, nowS: Date.now() / 1_000, rpc, body: bodyDigest('') }
    return `Bearer ${await signAssertion(key, content)}`
  }
  return sseFeed({ fetch, locate: async () => (await locate()).revocations, authorize })
}
