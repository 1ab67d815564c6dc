import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { type Answer, readAnswer, readAnswers, type Shape } from './answers.ts'
import type { Caller } from './caller.ts'

const provider = {
  id: 'text',
  name: 'text',
  issuer: 'text',
  client_id: 'text',
  token_endpoint_auth_method: 'text',
  scopes: 'texts',
  subject_claim: 'text',
  required_claims: 'any',
  all_users: 'flag',
  groups_claim: 'text?',
  signals: 'text',
  created_at: 'text?',
  updated_at: 'text?',
  signals_uri: 'text?',
  // Servers before this release have no words for it.
  signals_bound: 'text?',
  on_logout: 'text?',
} as const satisfies Shape
const requiredClaim = { name: 'text', value: 'text' } as const satisfies Shape

/** A claim that the ID token of each user must have. */
export type RequiredClaim = Answer<typeof requiredClaim>

/** An OpenID provider at which users of an operator sign in. */
export interface IdentityProvider extends Omit<Answer<typeof provider>, 'required_claims'> {
  readonly required_claims: readonly RequiredClaim[]
}

/** An identity provider to put. Members that are left out have their defaults. */
export interface NewIdentityProvider {
  /** The issuer, exactly as its metadata names it. */
  readonly issuer: string
  readonly client_id: string
  /** Left out, the server keeps the secret that it has. */
  readonly client_secret?: string | undefined
  /** `client_secret_basic` (the default) or `client_secret_post`. */
  readonly token_endpoint_auth_method?: string | undefined
  /** By default openid, profile and email. */
  readonly scopes?: readonly string[] | undefined
  /** `sub` (the default) or `oid`. */
  readonly subject_claim?: string | undefined
  /** Which of the provider's users are users of the operator. Without this list, `all_users` must be true. */
  readonly required_claims?: readonly RequiredClaim[] | undefined
  readonly all_users?: boolean | undefined
  /** The claim with the groups of a user; by default none. */
  readonly groups_claim?: string | undefined
  /**
   * How the server learns that the provider has ended a user: `none`, the default; `ssf` or `logout`, for which
   * you register `signals_uri` of the answer at the provider; or `refresh`.
   */
  readonly signals?: string | undefined
  /** With `logout`, what a logout at the provider ends: `sessions`, the default, or `tokens` too. */
  readonly on_logout?: string | undefined
}

/**
 * The calls with which an operator says at which OpenID providers its users sign in.
 *
 * @example
 *
 * ```ts
 * await operator.providers.put('work', {
 *   issuer: 'https://login.acme.example',
 *   client_id: 'auth4agent',
 *   client_secret: secret,
 *   all_users: true,
 * })
 * ```
 */
export interface OperatorProviders {
  /**
   * Creates an identity provider, or replaces it. If the replaced one was different, in more than its secret and how
   * the secret is sent, the tokens of its users end.
   */
  put(name: string, provider: NewIdentityProvider): Promise<IdentityProvider>
  /** Lists the identity providers by name. */
  list(): Promise<readonly IdentityProvider[]>
  /** Removes an identity provider, and ends the tokens of its users. */
  remove(name: string): Promise<IdentityProvider>
}

const PROVIDER_NAMES: Names<NewIdentityProvider> = {
  issuer: true,
  client_id: true,
  client_secret: true,
  token_endpoint_auth_method: true,
  scopes: true,
  subject_claim: true,
  required_claims: true,
  all_users: true,
  groups_claim: true,
  signals: true,
  on_logout: true,
}
const NAME = /^[a-z][a-z0-9-]{0,62}$/

/** Makes the calls about identity providers for one operator. */
export function operatorProviders(caller: Caller, id: string): OperatorProviders {
  const base = `/v1/operators/${id}/providers`
  return {
    async put(name, given) {
      // Without a misspelt condition, a provider would let more users in.
      refuseUnknownNames('member of an identity provider', given, PROVIDER_NAMES)
      return readOne(await caller.call(id, { method: 'PUT', path: `${base}/${expectName(name)}`, body: given }))
    },
    async list() {
      const { providers } = readAnswer({ providers: 'any' }, await caller.call(id, { method: 'GET', path: base }))
      return readAnswers(provider, providers).map(withClaims)
    },
    async remove(name) {
      return readOne(await caller.call(id, { method: 'DELETE', path: `${base}/${expectName(name)}` }))
    },
  }
}

function readOne(answer: unknown): IdentityProvider {
  return withClaims(readAnswer(provider, readAnswer({ provider: 'any' }, answer).provider))
}

function withClaims(answer: Answer<typeof provider>): IdentityProvider {
  return { ...answer, required_claims: readAnswers(requiredClaim, answer.required_claims) }
}

function expectName(name: string): string {
  if (NAME.test(name)) return name
  throw new TypeError(`The name of an identity provider must match ${NAME.source}, not ${JSON.stringify(name)}`)
}
