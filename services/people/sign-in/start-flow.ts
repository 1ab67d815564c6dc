import { createHash } from 'node:crypto'
import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import type { IdentityProvider } from '../../../gen/prisma/client.ts'
import { authorizationUrl } from '../providers/ask-provider.ts'
import type { ProviderClients } from '../providers/provider-clients.ts'
import type { Cookies } from '../sessions/cookies.ts'
import { beginFlow, FLOW_LIFETIME_S, type FlowDeps } from './flow.ts'

/** Dependencies of sign-ins. */
export interface SignInDeps extends FlowDeps {
  readonly issuer: string
  readonly cookies: Cookies
  readonly providerClients: ProviderClients
}

/** What a page or a client wants of a sign-in. */
export interface WantedSignIn {
  /** Where the browser goes after it: a path below the issuer, with a query. */
  readonly returnTo: string
  /** Who the person says to be, for the provider (`login_hint`). Empty for nothing. */
  readonly hint: string
  /** The longest time since the person has authenticated, in seconds (OpenID Connect Core 1.0 section 3.1.2.1). */
  readonly maxAgeS?: number | undefined
  readonly prompt?: string | undefined
  /** Ways to authenticate, of which the provider must have used one. */
  readonly acrValues?: readonly string[] | undefined
}

/** Where the browser goes now, and which cookies it keeps. */
export interface Started {
  readonly location: string
  /** Values for the header Set-Cookie. */
  readonly setCookie: readonly string[]
}

/** What the names of flow cookies begin with. */
export const FLOW_COOKIE = 'a4a-flow-'
/** Flows of one browser. All its cookies must fit into the headers that the server reads. */
const MAX_FLOWS = { count: 5, characters: 6_144 } as const

/** Returns where a provider sends browsers back. Each provider has its own, against mix-up (RFC 9700, 4.4.2). */
export function redirectUriOf({ issuer }: Pick<SignInDeps, 'issuer'>, providerId: string): string {
  return `${issuer}/people/callback/${providerId}`
}

/**
 * Begins a sign-in at a provider.
 *
 * @param cookie the Cookie header of the browser
 * @throws ApiError PROVIDER_UNAVAILABLE, UNAVAILABLE, INVALID_ARGUMENT
 */
export async function startFlow(
  deps: SignInDeps,
  provider: IdentityProvider,
  { returnTo, hint, maxAgeS, prompt, acrValues = [] }: WantedSignIn,
  cookie: string,
): Promise<Started> {
  const configuration = await deps.providerClients(provider)
  const flow = await beginFlow(deps, { providerId: provider.id, returnTo, maxAgeS, acrValues })
  const location = authorizationUrl(configuration, {
    response_type: 'code',
    response_mode: 'query',
    redirect_uri: redirectUriOf(deps, provider.id),
    scope: provider.scopes.join(' '),
    state: flow.state,
    nonce: flow.nonce,
    code_challenge: encodeBase64url(createHash('sha256').update(flow.verifier).digest()),
    code_challenge_method: 'S256',
    ...(hint !== '' && { login_hint: hint }),
    ...(maxAgeS !== undefined && { max_age: String(maxAgeS) }),
    ...(prompt !== undefined && { prompt }),
    ...(acrValues.length > 0 && { acr_values: acrValues.join(' ') }),
  })
  const added = deps.cookies.set(`${FLOW_COOKIE}${flow.id}`, flow.cookie, FLOW_LIFETIME_S)
  return { location, setCookie: [...endSurplus(deps.cookies, cookie, added.length), added] }
}

/** Ends flows of a browser that has too many. Browsers send the oldest cookie first (RFC 6265 section 5.4). */
function endSurplus(cookies: Cookies, header: string, added: number): readonly string[] {
  const flows = [...cookies.read(header)].filter(([name]) => name.startsWith(FLOW_COOKIE))
  let characters = added
  const surplus = flows.toReversed().filter(([name, value], index) => {
    characters += name.length + value.length
    return index + 1 >= MAX_FLOWS.count || characters > MAX_FLOWS.characters
  })
  return surplus.map(([name]) => cookies.end(name))
}
