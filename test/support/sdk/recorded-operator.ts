import { operatorId } from '@auth4agent/core/identity/operator-id'
import { recordValue } from '@auth4agent/core/identity/proof-record'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { generatePrivateKey } from '../../../clients/sdk/src/node/index.ts'
import { type AssertionRules, checkAssertion, parseAssertion } from '../../../services/calls/assertion.ts'
import { requestBody } from '../../../services/calls/request-body.ts'

export const SERVER = 'https://auth.example'
export const DID = 'did:agent:example.com:21fe31dfa154a261626bf854046fd227'
const NOW_S = 1_800_000_000
export const now = () => NOW_S * 1000
/** The key of the operator. */
export const { signer: key } = generatePrivateKey()
export const SUBJECT = { issuer: SERVER, thumbprint: thumbprint(key.publicKey) }
export const ID = operatorId({ ...SUBJECT, domain: 'example.com' })
export const OTHER_ID = 'aaaaaaaa-1111-8111-8111-111111111111'
export const RECORD = recordValue({ ...SUBJECT, operatorId: ID })

/** One request that a client made. */
export interface Sent {
  readonly method: string
  readonly url: URL
  readonly authorization: string | null
  readonly body: unknown
  /** The bytes of the body as text; empty without a body. */
  readonly text: string
}

export const AGENT = { id: ID, did: DID, status: 'active' }
const KEY = { kid: 'k', alg: 'EdDSA', state: 'active' }
/** The server's answer, which fits every shape. */
export const ANSWER = {
  ...AGENT,
  ...KEY,
  domain: 'example.com',
  txt_record_name: '_auth4agents.example.com',
  txt_record_value: RECORD,
  message: 'm',
  verified: true,
  released_at: 't',
  epoch: 2,
  ended_at: 't',
  agent_did: DID,
  updated: true,
  allowed_scopes: [],
  suspended_at: 't',
  reactivated_at: 't',
  reinstated_at: 't',
  revoked_at: 't',
  compromised_at: 't',
  jti: 'j',
  minimum_epoch: 2,
  audiences: [{ audience: 'a', callers: [] }],
  require_bound_challenges: false,
  seq: 0,
  manifest: '',
  threshold: 1,
  root_keys: [{ kid: SUBJECT.thumbprint, label: '' }],
  record: { id: ID, at: 't', actor: 'a', action: 'x', subject: 's', outcome: 'done' },
  signed_request: { rpc: 'GET /', signatures: [], body: '', body_digest: 'd' },
  active: [KEY],
  retiring: [],
  keys: [KEY],
  key: KEY,
}

/** A server that records its requests. */
export function recorder(answer: (sent: Sent) => Response = () => Response.json(ANSWER)) {
  const sent: Sent[] = []
  const fetch = (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init)
    const text = typeof init?.body === 'string' ? init.body : ''
    const body: unknown = text === '' ? undefined : JSON.parse(text)
    const one = {
      method: request.method,
      url: new URL(request.url),
      authorization: request.headers.get('authorization'),
      body,
      text,
    }
    sent.push(one)
    return Promise.resolve(answer(one))
  }
  return { sent, fetch }
}

/** Checks the assertion of a request as the server does. */
export function check({ method, url, authorization, text }: Sent, rules: Partial<AssertionRules> = {}) {
  const rpc = `${method} ${url.pathname}`
  const body = requestBody(() => Buffer.from(text))
  const all = { issuer: SERVER, nowS: NOW_S, skewS: 10, rpc, mustNameRpc: true, body, ...rules }
  const assertion = parseAssertion(authorization ?? '')
  return { ...checkAssertion(assertion, key.publicKey, all), iss: assertion.iss }
}

/** Reads a list to its end. */
export const takeAll = async (list: AsyncIterable<unknown>) => {
  const all = []
  for await (const item of list) all.push(item)
  return all
}
