import { decodeBase64url, encodeBase64url } from '@auth4agent/core/encoding/base64'
import { openText, sealText } from '../../keys/index.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { Cause } from '../../platform/trace/span.ts'
import { type ChooseDeps, domainOf, EVERYONE, findProviders } from './choose-provider.ts'
import type { FlowDeps } from './flow.ts'
import { type SignInDeps, type Started, startFlow, type WantedSignIn } from './start-flow.ts'

/** A sign-in, and whose users may come. */
export interface RequestedSignIn extends WantedSignIn {
  /** Domains of operators, or `*`. */
  readonly domains: readonly string[]
}

/** Where the browser goes, or between which providers the person chooses. */
export interface Chosen extends Started {
  /** Names of providers, if there are several. Then the browser goes nowhere yet. */
  readonly providers: readonly string[]
}

/** The page that asks for a domain, below the issuer. */
const PAGE = '/people/sign-in'
/** The page after a sign-in that nothing else has asked for. */
const HOME = '/people/acting'
/** Seconds for which the page may stay open before the person says who they are. */
const LIFETIME_S = 3_600
/** The longest sealed request, in characters. It is in a URL. */
const MAX_REQUEST = 4_096

/**
 * Begins a sign-in that another request needs. The browser goes to the provider at once if there is only one whose
 * users may come, or if the hint says which one. Else it goes to the page that asks.
 *
 * @param cookie the Cookie header of the browser
 * @throws ApiError PROVIDER_UNAVAILABLE, UNAVAILABLE, INVALID_ARGUMENT
 */
export async function startSignIn(
  deps: SignInDeps & ChooseDeps,
  wanted: RequestedSignIn,
  cookie: string,
  cause: Cause,
): Promise<Started> {
  const provider = await onlyProvider(deps, wanted, cause)
  if (provider !== undefined) return startFlow(deps, provider, wanted, cookie)
  const request = await sealRequest(deps, wanted)
  return { location: `${deps.issuer}${PAGE}?request=${request}`, setCookie: [] }
}

/**
 * Begins the sign-in of a person who says who they are.
 *
 * @param request the sealed request of startSignIn; empty for none
 * @param name the name of a provider; empty for the only one
 * @throws ApiError FORM_EXPIRED, PROVIDER_NOT_FOUND, PROVIDER_UNAVAILABLE, UNAVAILABLE
 */
export async function chooseSignIn(
  deps: SignInDeps & ChooseDeps,
  { request, who, name, cookie }: Readonly<Record<'request' | 'who' | 'name' | 'cookie', string>>,
  cause: Cause,
): Promise<Chosen> {
  const wanted = await openRequest(deps, request)
  const providers = await findProviders(deps, wanted.domains, domainOf(who), cause)
  const named = name === '' ? providers : providers.filter((provider) => provider.name === name)
  const [provider, ...others] = named
  if (provider === undefined) throw new ApiError('PROVIDER_NOT_FOUND')
  if (others.length > 0) return { location: '', setCookie: [], providers: named.map((each) => each.name) }
  // An address without a local part is no hint for the provider.
  const hint = who.includes('@') ? who.trim() : ''
  return { ...(await startFlow(deps, provider, { ...wanted, hint }, cookie)), providers: [] }
}

async function onlyProvider(deps: ChooseDeps, { domains, hint }: RequestedSignIn, cause: Cause) {
  const hinted = hint.includes('@') ? domainOf(hint) : ''
  const [domain = '', ...others] = hinted === '' ? domains.filter((each) => each !== EVERYONE) : [hinted]
  if (domain === '' || others.length > 0) return undefined
  const providers = await findProviders(deps, domains, domain, cause).catch((error: unknown) => {
    if (error instanceof ApiError && error.reason === 'PROVIDER_NOT_FOUND') return []
    throw error
  })
  return providers.length === 1 ? providers[0] : undefined
}

async function sealRequest(deps: FlowDeps, wanted: RequestedSignIn): Promise<string> {
  const { domains, returnTo, hint, maxAgeS, prompt, acrValues } = wanted
  const expiresAt = Math.floor(deps.now() / 1000) + LIFETIME_S
  const whole = { domains, returnTo, hint, maxAgeS, prompt, acrValues, expiresAt }
  // A list that does not fit is left out. The request that needs the sign-in checks the user's domain again.
  for (const content of [whole, { ...whole, domains: [EVERYONE] }]) {
    const text = encodeBase64url(Buffer.from(JSON.stringify(content)))
    if (text.length <= MAX_REQUEST) return sealText(deps, 'sign-in-request', text)
  }
  throw new ApiError('INVALID_ARGUMENT', 'The request is too long for a sign-in')
}

async function openRequest(deps: FlowDeps, request: string): Promise<RequestedSignIn> {
  if (request === '') return { domains: [EVERYONE], returnTo: HOME, hint: '' }
  const text = await openText(deps, 'sign-in-request', request)
  const bytes = text === undefined ? undefined : decodeBase64url(text)
  const value: unknown = bytes && JSON.parse(Buffer.from(bytes).toString())
  if (isRequest(value) && deps.now() < value.expiresAt * 1000) return value
  throw new ApiError('FORM_EXPIRED', 'Begin again where you came from: the request to sign in has expired')
}

/** A later version may seal other members. */
function isRequest(value: unknown): value is RequestedSignIn & { readonly expiresAt: number } {
  if (typeof value !== 'object' || value === null) return false
  const { domains, returnTo, hint, expiresAt }: Partial<Record<string, unknown>> = { ...value }
  return Array.isArray(domains) && [returnTo, hint].every(isString) && typeof expiresAt === 'number'
}

function isString(value: unknown): boolean {
  return typeof value === 'string'
}
