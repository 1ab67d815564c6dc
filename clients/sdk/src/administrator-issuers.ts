import { isUuid } from '@auth4agent/core/encoding/uuid'
import { ADMIN_ISSUER } from '@auth4agent/core/identity/assertion'
import { type SubjectCalls, subjectCalls } from './administrator-subjects.ts'
import { type Answer, readAnswer, readAnswers, type Shape } from './answers.ts'
import type { Caller } from './caller.ts'

/** How to admit a foreign issuer. The protocol describes each member and its default. */
export interface NewIssuer {
  /** The issuer as its tokens name it in `iss`, byte for byte. */
  readonly issuer: string
  /** `auth4agent` for another deployment, `oauth` for another server that issues JWTs (RFC 9068). */
  readonly kind: 'auth4agent' | 'oauth'
  readonly algorithms?: readonly string[] | undefined
  readonly token_type?: string | undefined
  readonly jwks_uri?: string | undefined
  /** How its revocations reach the server. */
  readonly revocation_mode: 'log' | 'introspection' | 'status_list' | 'none'
  /** Who the server is at the issuer: an operator id for `log`, a client id for `introspection`. */
  readonly acts_as?: string | undefined
  /** Its secret there: a private JWK as JSON text for `log`, the client secret for `introspection`. */
  readonly secret?: string | undefined
  readonly introspection_uri?: string | undefined
  /** What the addresses of its status lists begin with, for `status_list` of the kind `oauth`. */
  readonly status_list_uri?: string | undefined
  /** Seconds. */
  readonly max_token_ttl?: number | undefined
  /** Milliseconds. */
  readonly max_staleness_ms?: number | undefined
  /** The domain of all subjects of an issuer of the kind `oauth`. */
  readonly domain?: string | undefined
  /** The trust anchor of a candidate that `federation.discover` has found. The keys then come from its chain. */
  readonly anchor?: string | undefined
}

const issuerDomain = { domain: 'text', operator_id: 'text', by: 'text', proven_at: 'text?' } as const satisfies Shape
/** A domain for which an issuer speaks. `by` is `dns` or `administrator`. */
export type AdmittedDomain = Answer<typeof issuerDomain>

const issuerKey = { kid: 'text', alg: 'text', state: 'text', first_seen_at: 'text?' } as const satisfies Shape
/** A key of an issuer. `state` is published, absent, withdrawn or ended; only a published key verifies. */
export type AdmittedKey = Answer<typeof issuerKey>

const issuerShape = {
  id: 'text',
  issuer: 'text',
  kind: 'text',
  status: 'text',
  algorithms: 'texts',
  token_type: 'text',
  jwks_uri: 'text',
  revocation_mode: 'text',
  acts_as: 'text?',
  introspection_uri: 'text?',
  status_list_uri: 'text?',
  max_token_ttl: 'count',
  max_staleness_ms: 'count',
  generation: 'count',
  domains: 'any',
  keys: 'any',
  created_at: 'text?',
  accepted_from: 'text?',
  keys_as_of: 'text?',
  revocations_as_of: 'text?',
  problem: 'text?',
  anchor: 'text?',
  chain_expires_at: 'text?',
} as const satisfies Shape

/** An admitted issuer. `problem` says why its keys, statements or revocations cannot be fetched now. */
export type AdmittedIssuer = Omit<Answer<typeof issuerShape>, 'domains' | 'keys'> & {
  readonly domains: readonly AdmittedDomain[]
  readonly keys: readonly AdmittedKey[]
}

/** The administrator's calls about foreign issuers. `id` is the id of the admission, a UUID. */
export interface IssuerCalls {
  /** Admits an issuer. The server begins to fetch its keys. */
  add(issuer: NewIssuer): Promise<AdmittedIssuer>
  /** Lists all issuers, oldest first. */
  list(): Promise<readonly AdmittedIssuer[]>
  /** Ends the admission of an issuer, and everything that was decided with its tokens. */
  disable(id: string, reason?: string): Promise<AdmittedIssuer>
  /** Admits a disabled issuer again. Tokens that were issued before stay refused. */
  enable(id: string, reason?: string): Promise<AdmittedIssuer>
  /** Accepts a key again that the issuer had withdrawn. */
  readmitKey(id: string, kid: string, reason?: string): Promise<AdmittedIssuer>
  /** Rules about the subjects of identity providers. */
  readonly subjects: SubjectCalls
}

/** Makes the calls about issuers. */
export function issuerCalls(caller: Caller): IssuerCalls {
  const change = async (path: string, body: object) => {
    const answer = await caller.call(ADMIN_ISSUER, { method: 'POST', path, body })
    return readIssuer(readAnswer({ issuer: 'any' }, answer).issuer)
  }
  return {
    add: (issuer) => change('/v1/issuers', issuer),
    async list() {
      const answer = await caller.call(ADMIN_ISSUER, { method: 'GET', path: '/v1/issuers' })
      const { issuers } = readAnswer({ issuers: 'any' }, answer)
      return readAnswers(issuerShape, issuers).map(readIssuer)
    },
    disable: async (id, reason) => change(`${place(id)}/disable`, { reason }),
    enable: async (id, reason) => change(`${place(id)}/enable`, { reason }),
    readmitKey: async (id, kid, reason) => change(`${place(id)}/keys/${encodeURIComponent(kid)}/readmit`, { reason }),
    subjects: subjectCalls(caller),
  }
}

function place(id: string): string {
  if (!isUuid(id)) throw new TypeError('The id of an issuer must be a UUID')
  return `/v1/issuers/${id}`
}

/** Reads an issuer of an answer. Throws Auth4AgentError with UNEXPECTED_ANSWER. */
export function readIssuer(value: unknown): AdmittedIssuer {
  const issuer = readAnswer(issuerShape, value)
  const { domains, keys } = issuer
  return { ...issuer, domains: readAnswers(issuerDomain, domains), keys: readAnswers(issuerKey, keys) }
}
