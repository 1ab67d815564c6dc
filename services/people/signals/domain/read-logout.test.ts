import { describe, expect, it } from 'vitest'
import { readLogout } from './read-logout.ts'

const ISSUER = 'https://idp.example'
const NOW_S = 1_800_000_000
const DEMANDS = { issuer: ISSUER, clientId: 'client', now: NOW_S * 1_000, skewMs: 60_000 }
const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
const TOKEN = {
  iss: ISSUER,
  aud: 'client',
  iat: NOW_S,
  exp: NOW_S + 120,
  jti: 'logout-1',
  sub: 'alice',
  sid: 'session-1',
  events: { [EVENT]: {} },
}

describe('readLogout', () => {
  it.each([
    ['a person and a session', {}, { sub: 'alice', sid: 'session-1' }],
    ['a person', { sid: undefined }, { sub: 'alice', sid: undefined }],
    ['a session', { sub: undefined }, { sub: undefined, sid: 'session-1' }],
  ])('reads a logout of %s', (_name, more, named) => {
    const claims = JSON.parse(JSON.stringify({ ...TOKEN, ...more }))
    expect(readLogout(claims, DEMANDS)).toEqual({ jti: 'logout-1', expiresAt: (NOW_S + 120) * 1_000, ...named })
  })

  it.each<[string, object, string]>([
    ['another issuer', { iss: 'https://other.example' }, 'must have the iss https://idp.example'],
    ['another audience', { aud: 'other' }, 'must have the aud client'],
    ['an ID token, which has no event', { events: undefined }, 'must have the event'],
    ['another event', { events: { 'urn:other': {} } }, 'must have the event'],
    ['an event that is no object', { events: { [EVENT]: true } }, 'must have the event'],
    ['a nonce, as ID tokens have it', { nonce: 'n' }, 'must not have a nonce'],
    ['neither sub nor sid', { sub: undefined, sid: undefined }, 'must have a sub or a sid'],
    ['an empty sub beside a sid', { sub: '' }, 'The sub of the logout token must be a text'],
    ['a long sid', { sid: 's'.repeat(256) }, 'of 1 to 255 characters'],
    ['no jti', { jti: undefined }, 'The jti of the logout token must be a text'],
    ['no iat', { iat: undefined }, 'The iat of the logout token must be a whole number'],
    ['no exp', { exp: undefined }, 'The exp of the logout token must be a whole number'],
    ['an end in the past', { iat: NOW_S - 300, exp: NOW_S - 60 }, 'must not have expired'],
    ['a life of more than a day', { exp: NOW_S + 86_401 }, 'must expire at most 86400 seconds after its iat'],
  ])('refuses %s', (_name, more, why) => {
    const claims = JSON.parse(JSON.stringify({ ...TOKEN, ...more }))
    expect(() => readLogout(claims, DEMANDS)).toThrow(why)
  })
})
