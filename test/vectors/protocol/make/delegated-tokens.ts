import { type DelegatedClaims, formatDelegatedClaims } from '@auth4agent/core/delegation/delegated-claims'
import { capabilitiesOf } from '@auth4agent/core/delegation/delegated-token'
import { parseCapabilities } from '@auth4agent/core/delegation/parse-capabilities'
import { details } from '../../../support/grant-chains.ts'
import { compact, type Edits, shown } from './jws.ts'
import {
  AUDIENCE,
  DID,
  DPOP_KEY,
  describe,
  ISSUER,
  OPERATOR_ID,
  OTHER_DID,
  OTHER_DOMAIN,
  OTHER_OPERATOR_ID,
  SIGNING_KEYS,
  UNPUBLISHED_KEY,
} from './parties.ts'
import { CLAIMS, headerOf, signBy } from './token-case.ts'

const { EdDSA } = SIGNING_KEYS
const LAST_DID = `did:agent:${OTHER_DOMAIN}:${'0'.repeat(31)}1`
const OTHER_AUDIENCE = 'https://pay.example.com'
const PAY = { [`${AUDIENCE}#pay`]: { amount: { constraint_type: 'range', max: 500 } } }

const RESULT = { attestor: 'boot', type: 'tpm', level: 'hardware', at: CLAIMS.iat } as const

const party = (did: string, operatorId: string, id: string) =>
  ({ operatorId, did, epoch: [3, 2], id, kid: EdDSA.kid }) as const
const A = party(DID, OPERATOR_ID, 'root')
const B = party(OTHER_DID, OPERATOR_ID, 'middle')
const C = party(LAST_DID, OTHER_OPERATOR_ID, 'leaf')

/** Makes tokens that were exchanged for the authority of another agent, and texts that are refused as such tokens. */
export async function makeDelegatedTokens(): Promise<object> {
  return {
    description: describe(
      'Delegated tokens (docs/protocol.md). The issuer signs them with `jwks`, as other access tokens.',
      '`accepted`: tokens and what they say, the principal first. `refused`: texts and the verdict.',
      '`changed` shows the claims that differ from those of the first token. null there is a claim that is left out.',
      'Times, revocation and the proof of the key in `cnf` are not checked.',
    ),
    issuer: ISSUER,
    jwks: { keys: [{ ...EdDSA.publicJwk, alg: EdDSA.alg, use: 'sig', kid: EdDSA.kid }] },
    accepted: await Promise.all(accepted().map(acceptedCase)),
    refused: await Promise.all(refused().map(refusedCase)),
  }
}

function claimsWith(edits: Partial<DelegatedClaims> = {}): DelegatedClaims {
  const { may_act: _, ...claims } = CLAIMS
  const lineage = edits.lineage ?? [A, B, C]
  const client_id = lineage.at(-1)?.did ?? ''
  return { ...claims, cnf: { jkt: DPOP_KEY.jkt }, client_id, scope: 'read', details: read(PAY), lineage, ...edits }
}

function read(tools: object): DelegatedClaims['details'] {
  const parsed = parseCapabilities(details(tools))
  if (!parsed.ok) throw new RangeError(parsed.rule)
  return parsed.value
}

function accepted(): [name: string, claims: DelegatedClaims, edits?: Edits][] {
  const both = [AUDIENCE, OTHER_AUDIENCE]
  return [
    ['three parties', claimsWith()],
    ['two parties', claimsWith({ lineage: [A, C] })],
    ['nine parties', claimsWith({ lineage: [A, B, B, B, B, B, B, B, C] })],
    ['an agent that acts for itself through another', claimsWith({ lineage: [A, B, A] })],
    ['an exchanged access token, which gave both their authority', claimsWith({ lineage: [A, { ...C, id: 'root' }] })],
    ['a scope without constraints at both audiences', claimsWith({ aud: both, details: new Map() })],
    ['constraints at one of two audiences', claimsWith({ aud: both })],
    ['no scope', claimsWith({ scope: '' })],
    ['no details', claimsWith({ details: new Map() })],
    ['nothing allowed', claimsWith({ scope: '', details: new Map() })],
    ['results of attestation of the agent that acts', claimsWith({ attestation: [RESULT] })],
    ['an unknown claim', claimsWith(), { note: 'größer' }],
  ]
}

async function acceptedCase([name, claims, edits = {}]: [string, DelegatedClaims, Edits?]): Promise<object> {
  return {
    name,
    token: await signed({ ...formatDelegatedClaims(claims), ...edits }),
    expect: {
      sub: claims.sub,
      client_id: claims.client_id,
      parties: claims.lineage.map(({ did, operatorId, id }) => ({ did, operator_id: operatorId, id })),
      capabilities: [...capabilitiesOf(claims).keys()].toSorted(),
    },
  }
}

type RefusedCase = readonly [name: string, verdict: string, claims: Edits, header?: Edits]

const malformed = (name: string, claims: Edits): RefusedCase => [name, 'MALFORMED_TOKEN', claims]

function refused(): RefusedCase[] {
  const { a4a_lineage: entries } = formatDelegatedClaims(claimsWith())
  const entry = (place: number, at: number, value: string | number) =>
    entries.map((each, index) => (index === place ? each.with(at, value) : each))
  return [
    malformed('attestation with another member', { attestation: [{ ...RESULT, claims: {} }] }),
    malformed('no act', { act: undefined }),
    malformed('no a4a_lineage', { a4a_lineage: undefined }),
    malformed('neither: an access token', { act: undefined, a4a_lineage: undefined }),
    malformed('act without the middle', { act: { sub: LAST_DID } }),
    malformed('act with the first before the last', { act: { sub: OTHER_DID, act: { sub: LAST_DID } } }),
    malformed('act that goes on to the principal', {
      act: { sub: LAST_DID, act: { sub: OTHER_DID, act: { sub: DID } } },
    }),
    malformed('act with another member', { act: { sub: LAST_DID, client_id: LAST_DID, act: { sub: OTHER_DID } } }),
    malformed('client_id that is the principal', { client_id: DID }),
    malformed('client_id that is the middle', { client_id: OTHER_DID }),
    malformed('a4a_lineage of one party', { a4a_lineage: entries.slice(0, 1), act: undefined, client_id: DID }),
    malformed('a4a_lineage of ten parties', { a4a_lineage: [...entries, ...entries, ...entries, ...entries].slice(2) }),
    malformed('a4a_lineage of another principal', { a4a_lineage: entry(0, 1, OTHER_DID) }),
    malformed("a4a_lineage with another operator than the principal's", {
      a4a_lineage: entry(0, 0, OTHER_OPERATOR_ID),
    }),
    malformed("a4a_lineage with another epoch than the principal's", { a4a_lineage: entry(0, 2, 4) }),
    malformed('an epoch of 0 in a4a_lineage', { a4a_lineage: entry(1, 3, 0) }),
    malformed('an empty id in a4a_lineage', { a4a_lineage: entry(1, 4, '') }),
    malformed('a kid with a space in a4a_lineage', { a4a_lineage: entry(1, 5, 'a b') }),
    malformed('an entry of a4a_lineage that is longer', {
      a4a_lineage: entries.map((each) => Array.from(each).concat(1)),
    }),
    malformed('no cnf: a bearer token', { cnf: undefined }),
    malformed('may_act', { may_act: { sub: OTHER_DID } }),
    malformed('an unknown claim that begins with a4a_', { a4a_once: true }),
    malformed('details that are empty', { authorization_details: [] }),
    malformed('details of another type', { authorization_details: [{ type: 'payment' }] }),
    malformed('details at another audience', { aud: [OTHER_AUDIENCE] }),
    malformed('details for a scope that is unconstrained', { scope: 'pay' }),
    ['another issuer', 'WRONG_ISSUER', { iss: 'https://other.example.net' }],
    ['a key that is not published', 'UNKNOWN_KEY', {}, { kid: UNPUBLISHED_KEY.kid }],
    ['the typ of a grant', 'MALFORMED_TOKEN', {}, { typ: 'aat+jwt' }],
    ['the alg none', 'UNSUPPORTED_ALGORITHM', {}, { alg: 'none' }],
  ]
}

async function refusedCase([name, verdict, claims, header]: RefusedCase): Promise<object> {
  return {
    name,
    ...(Object.keys(claims).length > 0 && { changed: shown(claims) }),
    token: await signed({ ...formatDelegatedClaims(claimsWith()), ...claims }, header),
    expect: verdict,
  }
}

function signed(claims: Edits, header: Edits = {}): Promise<string> {
  return compact({ ...headerOf(EdDSA), ...header }, claims, signBy(EdDSA))
}
