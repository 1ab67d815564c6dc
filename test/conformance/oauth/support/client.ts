import { randomUUID } from 'node:crypto'
import type { SigningKey } from '@auth4agent/core/keys/ed25519'
import { expect } from 'vitest'
import type { ReasonCode, reasons } from '../../../../services/platform/errors/reasons.ts'
import { type HttpAnswer, sendHttp } from '../../../contract/support/http.ts'
import { type AssertionEdits, ISSUER } from '../../../support/assertions.ts'
import { isDetail } from '../../../support/documents/detail-style.ts'
import { signCompactJws } from '../../../support/jws.ts'
import type { TestTokenKey } from '../../../support/token-keys.ts'

/** A client of the OAuth endpoints: an agent with its key. */
export interface OAuthAgent {
  readonly did: string
  readonly pair: { readonly privateKey: Pick<SigningKey, 'sign'> }
}

/** An error code of an OAuth endpoint. */
export type OAuthError = (typeof reasons)[ReasonCode]['oauth']

/** Parameters of a form. A list is a parameter that occurs several times, and undefined leaves a parameter out. */
export type Form = Readonly<Record<string, string | readonly string[] | undefined>>

/** An answer of an OAuth endpoint with its JSON. */
export interface OAuthAnswer extends HttpAnswer {
  readonly body: Readonly<Record<string, unknown>>
}

export const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
/** The URL of the token endpoint, as clients know it. The server in the tests listens elsewhere. */
export const TOKEN_ENDPOINT = `${ISSUER}/oauth/token`

const FORM = 'application/x-www-form-urlencoded'

/** Returns the current time in Unix seconds. */
export const nowS = (): number => Math.floor(Date.now() / 1000)

/** Returns a client assertion (RFC 7523 section 3) that is valid for a minute, changed by `edits`. */
export function clientAssertion({ did, pair }: OAuthAgent, { header = {}, claims = {} }: AssertionEdits = {}): string {
  const good = { iss: did, sub: did, aud: ISSUER, iat: nowS(), exp: nowS() + 60, jti: randomUUID() }
  const head = { alg: 'EdDSA', typ: 'client-authentication+jwt', ...header }
  return signCompactJws(head, { ...good, ...claims }, pair.privateKey as SigningKey)
}

/** Returns the parameters with which an agent authenticates. */
export function authentication(agent: OAuthAgent, edits: AssertionEdits = {}) {
  return { client_assertion_type: ASSERTION_TYPE, client_assertion: clientAssertion(agent, edits) }
}

/** Returns the parameters of a good token request, changed by `edits`. */
export function tokenForm(agent: OAuthAgent, edits: Form = {}): Form {
  return { grant_type: 'client_credentials', scope: 'read', ...authentication(agent), ...edits }
}

/** Returns a DPoP proof (RFC 9449 section 4.2) for a token request, changed by `edits`. */
export function dpopProof(key: TestTokenKey, { header = {}, claims = {} }: AssertionEdits = {}): string {
  const good = { jti: randomUUID(), htm: 'POST', htu: TOKEN_ENDPOINT, iat: nowS() }
  return key.sign({ typ: 'dpop+jwt', alg: key.alg, jwk: key.jwk, ...header }, { ...good, ...claims })
}

/** Writes parameters as a form (RFC 6749 appendix B). */
export function encodeForm(form: Form): string {
  return Object.entries(form)
    .flatMap(([name, value]) => (value === undefined ? [] : [value].flat().map((each) => [name, each])))
    .map((pair) => pair.map(encodeURIComponent).join('='))
    .join('&')
}

/** Posts a form, or a body in any other form. */
export async function post(
  baseUrl: string,
  path: string,
  form: Form | string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<OAuthAnswer> {
  const body = typeof form === 'string' || form instanceof Uint8Array ? form : encodeForm(form)
  const answer = await sendHttp(baseUrl, { verb: 'POST', path, headers: { 'content-type': FORM, ...headers }, body })
  return withBody(answer)
}

/** Reads the JSON of an answer. An answer that is not JSON, such as a signed introspection, has an empty body. */
export function withBody(answer: HttpAnswer): OAuthAnswer {
  const isJson = answer.headers['content-type'] === 'application/json'
  return { ...answer, body: isJson ? (JSON.parse(answer.text) as OAuthAnswer['body']) : {} }
}

/** Matches what `error` and `error_description` may contain (RFC 6749 section 5.2). */
const DESCRIBABLE = /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/

/**
 * Expects an error of an OAuth endpoint, in the form of RFC 6749 section 5.2.
 * @param status 400 unless the error says otherwise
 */
export function expectError(answer: OAuthAnswer, error: OAuthError, reason?: ReasonCode, status = 400): void {
  expect({ status: answer.status, ...answer.body }).toEqual({
    status,
    error,
    error_description: expect.stringMatching(DESCRIBABLE),
    reason: reason ?? expect.any(String),
    request_id: answer.headers['x-request-id'],
  })
  expect(answer.body['error_description']).toSatisfy(isDetail)
  expect(answer.headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'no-store' })
  if (status === 401) expect(answer.headers['www-authenticate']).toMatch(/^\w+ realm="auth4agent"/)
}

/** Expects that a token was issued, and returns the answer's body. */
export function expectIssued(answer: OAuthAnswer): OAuthAnswer['body'] & { readonly access_token: string } {
  expect(answer.status, answer.text).toBe(200)
  return answer.body as OAuthAnswer['body'] & { access_token: string }
}

/** Returns the header and the claims of a JWT without verifying it. */
export function decodeJwt(token: string) {
  const [header = '', claims = ''] = token.split('.')
  return { header: decodePart(header), claims: decodePart(claims) }
}

function decodePart(part: string): Readonly<Record<string, unknown>> {
  return JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>
}
