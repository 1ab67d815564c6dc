import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import { CLIENT_ASSERTION_TYPE } from '@auth4agent/core/identity/client-assertion'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { type KeyPair, sign } from '@auth4agent/core/keys/ed25519'
import { compact, type Edits, type Part, shown } from './jws.ts'
import { AGENT_KEY, AUDIENCE, DID, describe, ISSUER, NOW_S, OTHER_AGENT_KEY, OTHER_DID } from './parties.ts'

interface Changes {
  readonly key?: KeyPair
  readonly header?: Edits
  readonly claims?: Edits
}

const SKEW_S = 10
const MAX_LIFETIME_S = 300
const HEADER = { alg: 'EdDSA', typ: CLIENT_ASSERTION_TYPE, kid: thumbprint(AGENT_KEY.publicKey) }
const CLAIMS = { iss: DID, sub: DID, aud: ISSUER, iat: NOW_S - 30, exp: NOW_S + 60, jti: 'assertion-1' }
const INVALID = { refused: 'INVALID_ASSERTION' }

/** Makes client assertions that the OAuth endpoints accept, and client assertions that they refuse. */
export async function makeClientAssertions(): Promise<object> {
  return {
    description: describe(
      'Client assertions of agents at the OAuth endpoints (RFC 7523), and whether the server accepts each of them.',
      '`agent` is the agent that the server knows. `client_id` is the parameter of the request, if it has one.',
      '`expect` of an accepted one has the agent and the terms of the token that the signature covers.',
      '`changed` shows how the assertion differs from a good one. A member that is null there is left out.',
      'The server also refuses a jti that was used before. No case shows this, because it needs two calls.',
    ),
    issuer: ISSUER,
    now: NOW_S,
    clock_skew: SKEW_S,
    agent: { did: DID, public_key: encodeBase64(AGENT_KEY.publicKey), thumbprint: HEADER.kid },
    good: { header: HEADER, claims: CLAIMS },
    cases: [...(await accepted()), ...(await refusedMembers()), ...(await times()), ...(await refusedTexts())],
  }
}

function assertion({ key = AGENT_KEY, header = {}, claims = {} }: Changes): Promise<string> {
  return ofParts({ ...HEADER, ...header }, { ...CLAIMS, ...claims }, key)
}

function ofParts(header: Part, payload: Part, key = AGENT_KEY): Promise<string> {
  return compact(header, payload, (signingInput) => sign(key.privateKey, signingInput))
}

async function judged(name: string, expect: unknown, changes: Changes = {}, client_id?: string): Promise<object> {
  const { header, claims } = changes
  const difference = { ...(header && { header: shown(header) }), ...(claims && { claims: shown(claims) }) }
  return {
    name,
    ...(Object.keys(difference).length > 0 && { changed: difference }),
    ...(client_id !== undefined && { client_id }),
    client_assertion: await assertion(changes),
    expect,
  }
}

const AGENT = { did: DID }
const byHeader = (name: string, header: Edits, expect: unknown = INVALID) => judged(name, expect, { header })
const byClaims = (name: string, claims: Edits, expect: unknown = INVALID) => judged(name, expect, { claims })

async function accepted(): Promise<object[]> {
  const resource = [`${AUDIENCE}/b`, `${AUDIENCE}/a`]
  return Promise.all([
    judged('a good assertion', AGENT),
    judged('a client_id that is the DID', AGENT, {}, DID),
    byHeader('alg Ed25519 (RFC 9864)', { alg: 'Ed25519' }, AGENT),
    byHeader('no kid', { kid: undefined }, AGENT),
    byHeader('no typ', { typ: undefined }, AGENT),
    byHeader('typ JWT', { typ: 'JWT' }, AGENT),
    byClaims('an unknown claim', { note: 'new' }, AGENT),
    byClaims('no iat', { iat: undefined }, AGENT),
    byClaims('aud with one entry', { aud: [ISSUER] }, AGENT),
    byClaims('a jti of 128 characters', { jti: 'j'.repeat(128) }, AGENT),
    byClaims('a scope', { scope: 'write read' }, { ...AGENT, scope: 'read write' }),
    byClaims('a resource', { resource: AUDIENCE }, { ...AGENT, audience: [AUDIENCE] }),
    byClaims('two resources', { resource }, { ...AGENT, audience: resource.toSorted() }),
  ])
}

async function refusedMembers(): Promise<object[]> {
  return Promise.all([
    ...['iss', 'sub', 'aud', 'jti', 'exp'].map((claim) => byClaims(`no ${claim}`, { [claim]: undefined })),
    byHeader('alg none', { alg: 'none' }),
    byHeader('alg ES256', { alg: 'ES256' }),
    byHeader('typ of an access token', { typ: 'at+jwt' }),
    byHeader('typ of an operator assertion', { typ: 'auth4agent-operator+jwt' }),
    byHeader('typ of a DPoP proof', { typ: 'dpop+jwt' }),
    byHeader('an empty typ', { typ: '' }),
    byHeader('an empty kid', { kid: '' }),
    byHeader('the kid of another key', { kid: thumbprint(OTHER_AGENT_KEY.publicKey) }),
    byHeader('crit', { crit: ['exp'] }),
    byHeader('a key in the header: jwk', { jwk: { kty: 'OKP', crv: 'Ed25519', x: 'AA' } }),
    judged('the signature of another key', { refused: 'INVALID_SIGNATURE' }, { key: OTHER_AGENT_KEY }),
    judged('a client_id of another agent', INVALID, {}, OTHER_DID),
    byClaims('iss that differs from sub', { sub: OTHER_DID }),
    byClaims('aud of another server', { aud: 'https://auth.example.org' }),
    byClaims('aud with a trailing slash', { aud: `${ISSUER}/` }),
    byClaims('aud that is the token endpoint', { aud: `${ISSUER}/oauth/token` }),
    byClaims('aud with two entries', { aud: [ISSUER, `${ISSUER}/oauth/token`] }),
    byClaims('an empty jti', { jti: '' }),
    byClaims('a jti of 129 characters', { jti: 'j'.repeat(129) }),
    byClaims('a scope that is an array', { scope: ['read'] }),
    byClaims('a scope with two spaces', { scope: 'read  write' }),
    byClaims('no resources', { resource: [] }),
    byClaims('a resource that is a number', { resource: 1 }),
    byClaims(
      'authorization_details (RFC 9396)',
      { authorization_details: [] },
      { refused: 'UNSUPPORTED_AUTHORIZATION_DETAILS' },
    ),
  ])
}

async function times(): Promise<object[]> {
  const longest = NOW_S + MAX_LIFETIME_S + SKEW_S
  return Promise.all([
    byClaims('the longest lifetime, clock skew included', { exp: longest }, AGENT),
    byClaims('exp that is too far in the future', { exp: longest + 1 }),
    byClaims('issued in the future, within the clock skew', { iat: NOW_S + SKEW_S }, AGENT),
    byClaims('issued in the future, beyond the clock skew', { iat: NOW_S + SKEW_S + 1 }),
    byClaims('nbf in the future, beyond the clock skew', { nbf: NOW_S + SKEW_S + 1 }),
    byClaims('the last second before it expires, clock skew included', { exp: NOW_S - SKEW_S + 1 }, AGENT),
    byClaims('expired, clock skew included', { exp: NOW_S - SKEW_S }, { refused: 'ASSERTION_EXPIRED' }),
    byClaims('exp that is a string', { exp: String(NOW_S + 60) }),
    byClaims('iat that is negative', { iat: -1 }),
  ])
}

const refusedText = (name: string, client_assertion: string) => ({ name, client_assertion, expect: INVALID })

async function refusedTexts(): Promise<object[]> {
  const good = await assertion({})
  const claims = JSON.stringify(CLAIMS)
  return [
    refusedText('two parts', good.slice(0, good.lastIndexOf('.'))),
    refusedText('base64 padding', `${good}==`),
    refusedText('a space in front', ` ${good}`),
    refusedText('a claim twice', await ofParts(HEADER, claims.replace('{', '{"aud":"https://evil.example",'))),
    refusedText('a payload that is an array', await ofParts(HEADER, `[${claims}]`)),
  ]
}
