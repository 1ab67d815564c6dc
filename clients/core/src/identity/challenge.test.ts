import { describe, expect, it } from 'vitest'
import { WRONG_TIMES } from '../../../../test/support/wrong-times.ts'
import { challengeMessage, readChallenge } from './challenge.ts'

const CONTENT = {
  v: 1,
  iss: 'https://auth.example',
  did: 'did:agent:acme.example:0123456789abcdef0123456789abcdef',
  exp: 1_800_000_000,
  kid: 'k',
  scope: 'read write',
  aud: ['https://api.acme.example'],
  ttl: 900,
}

function sealed(json: string): string {
  return Buffer.concat([Buffer.from(json), Buffer.alloc(32, 7)]).toString('base64url')
}

const challengeOf = (edits: object) => sealed(JSON.stringify({ ...CONTENT, ...edits }))

it('challengeMessage returns the message that the specification gives', () => {
  expect(Buffer.from(challengeMessage('abc', 'def')).toString('utf8')).toBe('auth4agents-challenge:abc:def')
})

describe('readChallenge', () => {
  it('reads scope, audience and lifetime of a bound challenge', () => {
    expect(readChallenge(challengeOf({}))).toEqual(CONTENT)
  })

  it('reads an unbound challenge and ignores unknown members', () => {
    const { v, iss, did, exp, kid } = CONTENT
    const unbound = { v, iss, did, exp, kid }
    expect(readChallenge(sealed(JSON.stringify({ ...unbound, later: true })))).toEqual(unbound)
  })

  it.each([
    ['no version', challengeOf({ v: undefined })],
    ['another version', challengeOf({ v: 2 })],
    ['no issuer', challengeOf({ iss: undefined })],
    ['a list of issuers', challengeOf({ iss: [CONTENT.iss] })],
    ['no DID', challengeOf({ did: undefined })],
    ['a malformed DID', challengeOf({ did: 'did:web:acme.example' })],
    ...WRONG_TIMES.map(([name, value]): [string, string] => [`an expiry that is ${name}`, challengeOf({ exp: value })]),
    ['no key id', challengeOf({ kid: undefined })],
    ['scopes in a list', challengeOf({ scope: ['read'] })],
    ['null for a scope', challengeOf({ scope: null })],
    ['an audience that is not a list', challengeOf({ aud: 'https://api.acme.example' })],
    ['an audience of numbers', challengeOf({ aud: [1] })],
    ['a text for a lifetime', challengeOf({ ttl: '900' })],
    ['two issuers', sealed(JSON.stringify(CONTENT).replace('"v":1', '"v":1,"iss":"https://other.example"'))],
    ['no JSON', sealed('nothing')],
    ['a list', sealed('[]')],
    ['a MAC alone', sealed('')],
    ['nothing', ''],
    ['padding', `${challengeOf({ kid: 'kk' })}=`],
    ['a line break', `${challengeOf({})}\n`],
    ['a text longer than any challenge', challengeOf({ kid: 'k'.repeat(20_000) })],
  ])('refuses %s', (_name, challenge) => {
    expect(readChallenge(challenge)).toBeUndefined()
  })
})
