import { createPublicKey, verify } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { parseClientAssertion } from '../../services/authn/domain/parse-client-assertion.ts'
import { newAgentParty } from '../support/parties.ts'
import { BENCH_ISSUER } from './contenders/auth4agent.ts'
import { assertionIdOf, oauthTokenBodies, RESOURCE } from './supply-oauth.ts'

const CLIENTS = [newAgentParty('one.example.com'), newAgentParty('two.example.com')]
const OURS = { issuer: BENCH_ISSUER, tokenUrl: `${BENCH_ISSUER}/oauth/token` }
const PEER = { issuer: 'http://127.0.0.1:1', tokenUrl: 'http://127.0.0.1:1/token' }

const decode = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())

const read = (body: string) => {
  const { client_assertion: assertion = '', ...parameters } = Object.fromEntries(new URLSearchParams(body))
  const [header = '', payload = '', signature = ''] = assertion.split('.')
  const { jti, iat, exp, aud, ...claims } = decode(payload)
  return { parameters, header: decode(header), claims, jti, lifetime: exp - iat, aud, assertion, payload, signature }
}

describe('oauthTokenBodies', () => {
  it('makes the same requests of the same clients for both servers, except for the audience', () => {
    const [ours, theirs] = [OURS, PEER].map((server) => oauthTokenBodies(server, CLIENTS, 3, RESOURCE).map(read))
    const common = (all: typeof ours) => all?.map(({ parameters, header, claims }) => ({ parameters, header, claims }))
    expect(common(ours)).toEqual(common(theirs))
    expect(ours?.map(({ claims }) => claims.sub)).toEqual([CLIENTS[0]?.did, CLIENTS[1]?.did, CLIENTS[0]?.did])
    expect(ours?.map(({ aud }) => aud)).toEqual(ours?.map(() => OURS.issuer))
    expect(theirs?.map(({ aud }) => aud)).toEqual(theirs?.map(() => PEER.issuer))
  })

  it('signs a new assertion for each request, which lives as long as the servers accept', () => {
    const bodies = oauthTokenBodies(OURS, CLIENTS, 4, RESOURCE).map(read)
    expect(new Set(bodies.map(({ jti }) => jti)).size).toBe(4)
    for (const [index, { assertion, signature, lifetime }] of bodies.entries()) {
      const signed = Buffer.from(assertion.slice(0, assertion.lastIndexOf('.')))
      const key = createPublicKey(CLIENTS[index % 2]?.privateKey ?? '')
      expect(verify(null, signed, key, Buffer.from(signature, 'base64url'))).toBe(true)
      expect(lifetime).toBe(300)
    }
  })

  it('asks for the resource only if there is one', () => {
    expect(oauthTokenBodies(OURS, CLIENTS, 1, RESOURCE).map((body) => read(body).parameters['resource'])).toEqual([
      RESOURCE,
    ])
    expect(oauthTokenBodies(OURS, CLIENTS, 1).map((body) => read(body).parameters['resource'])).toEqual([undefined])
  })
})

describe('assertionIdOf', () => {
  it('returns the id that the server stores for the assertion of a body', () => {
    const bodies = oauthTokenBodies(OURS, CLIENTS, 3, RESOURCE)
    const rules = { issuer: BENCH_ISSUER, tokenEndpoint: undefined, nowS: Date.now() / 1000, skewS: 30 }
    const stored = bodies.map((body) => parseClientAssertion(read(body).assertion, '', rules).proof.id)
    expect(bodies.map(assertionIdOf)).toEqual(stored)
    expect(new Set(stored).size).toBe(3)
  })
})
