import { randomBytes } from 'node:crypto'
import { decodeBase64url, encodeBase64url } from '@auth4agent/core/encoding/base64'
import { type ChallengeKeyring, openText, sealText, secretOf } from '../../keys/index.ts'
import { ApiError } from '../../platform/errors/api-error.ts'

/** Dependencies of flows. */
export interface FlowDeps {
  readonly challengeKeys: Pick<ChallengeKeyring, 'current' | 'find'>
  /** Returns the wall-clock time in Unix milliseconds. */
  readonly now: () => number
}

/** What a browser brings back from a provider, besides the answer of the provider. */
export interface FlowTerms {
  readonly providerId: string
  /** Where the browser goes after the sign-in: a path below the issuer, with a query. */
  readonly returnTo: string
  /** The longest time since the person has authenticated, in seconds. */
  readonly maxAgeS?: number | undefined
  /** The person must have authenticated in one of these ways (claim `acr`). Empty for any. */
  readonly acrValues: readonly string[]
}

/** One sign-in that is under way. The server stores nothing of it. */
export interface Flow {
  readonly id: string
  /** The sealed parameter that goes to the provider and comes back. */
  readonly state: string
  /** The sealed content of the cookie, which only the browser has. */
  readonly cookie: string
  readonly verifier: string
  readonly nonce: string
}

/** Seconds for which a person may be at the provider. */
export const FLOW_LIFETIME_S = 600
/** The longest path to return to, in characters. Browsers keep at most 4,096 bytes of a cookie with its attributes. */
const MAX_RETURN_TO = 2_560

/**
 * Begins a flow. Its PKCE verifier and nonce can be computed only by the server, from the cookie. So neither the
 * provider, which sees the state, nor the browser can compute them.
 *
 * @throws ApiError UNAVAILABLE, INVALID_ARGUMENT
 */
export async function beginFlow(deps: FlowDeps, terms: FlowTerms): Promise<Flow> {
  if (terms.returnTo.length > MAX_RETURN_TO) {
    throw new ApiError('INVALID_ARGUMENT', `The request must have at most ${MAX_RETURN_TO} characters`)
  }
  const id = encodeBase64url(randomBytes(16))
  const expiresAt = Math.floor(deps.now() / 1000) + FLOW_LIFETIME_S
  const content = encodeBase64url(Buffer.from(JSON.stringify({ id, expiresAt, ...terms })))
  const cookie = await sealText(deps, 'flow', content)
  const state = await sealText(deps, 'sign-in', `${id}.${terms.providerId}.${expiresAt}`)
  const secrets = await secretsOf(deps, cookie)
  if (secrets === undefined) throw new ApiError('UNAVAILABLE', 'The key of this day has just ended', { retryAfter: 1 })
  return { id, state, cookie, ...secrets }
}

/** Returns the id of the flow that a state names; undefined for a state that is not ours or has expired. */
export async function openState(
  deps: FlowDeps,
  state: string,
): Promise<{ readonly id: string; readonly providerId: string } | undefined> {
  const [id = '', providerId = '', expiresAt] = (await openText(deps, 'sign-in', state))?.split('.') ?? []
  return deps.now() < Number(expiresAt) * 1000 ? { id, providerId } : undefined
}

/**
 * Opens the cookie of a flow, which must be that of the state.
 *
 * @returns undefined for a cookie of another flow or provider, one that is not ours, or one that has expired
 */
export async function openFlow(
  deps: FlowDeps,
  state: { readonly id: string; readonly providerId: string },
  cookie: string,
): Promise<(FlowTerms & Pick<Flow, 'verifier' | 'nonce'>) | undefined> {
  const content = await openText(deps, 'flow', cookie)
  const flow = content === undefined ? undefined : readFlow(content)
  const secrets = await secretsOf(deps, cookie)
  if (flow === undefined || secrets === undefined) return undefined
  if (flow.id !== state.id || flow.providerId !== state.providerId || deps.now() >= flow.expiresAt * 1000) {
    return undefined
  }
  const { providerId, returnTo, maxAgeS, acrValues } = flow
  return { providerId, returnTo, maxAgeS, acrValues, ...secrets }
}

async function secretsOf(deps: FlowDeps, cookie: string): Promise<Pick<Flow, 'verifier' | 'nonce'> | undefined> {
  const verifier = await secretOf(deps, 'pkce', cookie)
  const nonce = await secretOf(deps, 'nonce', cookie)
  return verifier === undefined || nonce === undefined ? undefined : { verifier, nonce }
}

type Content = FlowTerms & { readonly id: string; readonly expiresAt: number }

/** Reads the content of a cookie whose seal is that of this deployment. A later version may write another content. */
function readFlow(content: string): Content | undefined {
  const bytes = decodeBase64url(content)
  const value: unknown = bytes && JSON.parse(Buffer.from(bytes).toString())
  return isContent(value) ? value : undefined
}

function isContent(value: unknown): value is Content {
  if (typeof value !== 'object' || value === null) return false
  const { id, expiresAt, providerId, returnTo, maxAgeS, acrValues }: Partial<Record<keyof Content, unknown>> = value
  const texts = [id, providerId, returnTo, ...(Array.isArray(acrValues) ? acrValues : [undefined])]
  return (
    texts.every((each) => typeof each === 'string') &&
    typeof expiresAt === 'number' &&
    (maxAgeS === undefined || typeof maxAgeS === 'number')
  )
}
