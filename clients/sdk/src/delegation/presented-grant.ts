import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import type { GrantUse } from '../agent.ts'
import { Auth4AgentError } from '../errors.ts'
import type { IssuedToken } from '../issued-token.ts'
import { keepTokens } from '../keep-tokens.ts'
import { Nonces } from '../nonces.ts'
import { TERM_NAMES, type TokenTerms } from '../terms.ts'
import { type ExchangeOptions, GRANT_CALL_NAMES } from './agent-grant-calls.ts'
import { exchangeChain } from './exchange-chain.ts'
import { audienceOf, type ExchangeTerms, exchangeTermsOf } from './exchange-terms.ts'
import { createHeldGrant, type HeldChain, type HeldGrant } from './held-grant.ts'
import type { Holder } from './holder.ts'
import { createMetadataReader } from './read-metadata.ts'
import { refusedGrant } from './refused-grant.ts'

/** The options of one request with a grant. */
interface PresentOptions extends TokenTerms {
  readonly delegation?: GrantUse | undefined
  readonly signal?: AbortSignal | undefined
}

/** The grant of an agent, in the form in which services accept it: the chain, or a token for it. */
export interface PresentedGrant extends HeldGrant {
  /**
   * Resolves with the text for a request: the chain, or a token that the server gave for it. `url` is the address of
   * the request. `reads` says whether the metadata of the API decides in which form the agent uses its grant; true by
   * default.
   */
  present(options: PresentOptions, url: string, reads?: boolean): Promise<string>
  /** Resolves with a token for the chain. */
  exchange(options: ExchangeOptions): Promise<IssuedToken>
}

const PRESENT_NAMES: Names<PresentOptions> = { ...TERM_NAMES, delegation: true, signal: true }

/** Prepares the grant of an agent. */
export function createPresentedGrant(holder: Holder): PresentedGrant {
  const { server, did, keys, runtime, closing } = holder
  const held = createHeldGrant(holder)
  const nonces = new Nonces()
  const metadataOf = createMetadataReader(holder)
  const request = (terms: ExchangeTerms, signal: AbortSignal) =>
    keys.use(async (signer) => {
      const chain = await held.current(signal)
      return exchangeChain({ server, did, signer, held: chain, terms, nonces, signal }).catch((error: unknown) => {
        // The server may have refused the chain, so the next call gets a new one from the option that is a function.
        if (error instanceof Auth4AgentError && error.status === 400) held.forget(chain.token)
        throw error
      })
    })
  const tokens = keepTokens(request, runtime, closing)
  const exchange = async (options: ExchangeOptions): Promise<IssuedToken> => {
    refuseUnknownNames('option', options, GRANT_CALL_NAMES.exchange)
    const { signal, ...terms } = options
    const { leaf } = await held.current(signal)
    return tokens.of(exchangeTermsOf(terms, leaf, server.issuer)).get(signal)
  }
  return {
    current: (signal) => held.current(signal),
    async present(options, url, reads = true) {
      refuseUnknownNames('option', options, PRESENT_NAMES)
      const { signal, delegation: how = holder.delegation, scopes, audience, ttl } = options
      if (ttl !== undefined) throw new TypeError('A grant has a fixed lifetime, so ttl must be left out')
      const chain = await held.current(signal)
      if (how !== 'exchange' && (scopes !== undefined || audience !== undefined))
        throw new TypeError("A chain has fixed terms: scopes and audience need delegation: 'exchange'")
      const resource = resourceAt(url, chain)
      const asks = reads && how === undefined && resource !== undefined
      const isTokenAsked = asks && (await metadataOf(resource, signal)) === 'token'
      if (how !== 'exchange' && !isTokenAsked) return chain.token
      const named = audience ?? resource
      if (named === undefined) throw nothingAt(url)
      return (await exchange({ audience: named, scopes, signal })).token
    },
    exchange,
    forget(text) {
      held.forget(text)
      tokens.forget(text)
    },
    clear() {
      held.clear()
      tokens.clear()
    },
  }
}

function nothingAt(url: string): Auth4AgentError {
  const rule = `the grant must have an audience at ${new URL(url).origin}, or the call must name one`
  return refusedGrant({ ok: false, reason: 'CAPABILITY_MISSING', rule })
}

/**
 * Returns the audience of the grant to which an address belongs: with the same origin, and the longest path that
 * begins the path of the address. So no API gets a token for another one.
 */
function resourceAt(url: string, { leaf }: HeldChain): string | undefined {
  const { origin, pathname } = new URL(url)
  return [...leaf.capabilities.keys()]
    .map(audienceOf)
    .filter((audience) => URL.canParse(audience) && new URL(audience).origin === origin)
    .filter((audience) => `${pathname}/`.startsWith(new URL(audience).pathname.replace(/\/*$/, '/')))
    .toSorted((one, other) => other.length - one.length)[0]
}
