import { describe, expect, it } from 'vitest'
import { readEvent } from './read-event.ts'

const ISSUER = 'https://idp.example'
const NOW_S = 1_800_000_000
const DEMANDS = {
  issuer: ISSUER,
  audiences: ['https://auth.example/events', 'client'],
  now: NOW_S * 1_000,
  skewMs: 60_000,
}
const SCHEMA = 'https://schemas.openid.net/secevent'
const DISABLED = `${SCHEMA}/risc/event-type/account-disabled`
const WEEK_S = 7 * 86_400
const SET = {
  iss: ISSUER,
  aud: 'client',
  jti: 'set-1',
  iat: NOW_S,
  sub_id: { format: 'iss_sub', iss: ISSUER, sub: 'alice' },
  events: { [DISABLED]: { reason: 'hijacking' } },
}

describe('readEvent', () => {
  it.each([
    ['risc/event-type/account-disabled', 'disable'],
    ['risc/event-type/account-purged', 'remove'],
    ['caep/event-type/session-revoked', 'sign-out'],
  ])('knows what %s ends', (type, ending) => {
    const event = type.split('/')[2]
    const { jti, ended } = readEvent({ ...SET, events: { [`${SCHEMA}/${type}`]: {} } }, DEMANDS)
    expect({ jti, ended }).toEqual({ jti: 'set-1', ended: { sub: 'alice', ending, event } })
  })

  it.each([
    ['the verification of a stream', { events: { [`${SCHEMA}/ssf/event-type/verification`]: { state: 'x' } } }],
    ['an event whose name only begins like that of an ending', { events: { [`${DISABLED}2`]: {} } }],
    [
      'an event without a subject that it knows',
      { events: { 'urn:other': {} }, sub_id: { format: 'opaque', id: 's' } },
    ],
  ])('says that %s ends nobody', (_name, more) => {
    expect(readEvent({ ...SET, ...more }, DEMANDS).ended).toBeUndefined()
  })

  it.each([
    ['the URL to which it is sent', { aud: 'https://auth.example/events' }],
    ['several audiences, of which one is right', { aud: ['other', 'client'] }],
    ['an event of nearly a week ago', { iat: NOW_S - WEEK_S }],
    ['the clock of a provider that is a minute ahead', { iat: NOW_S + 60 }],
  ])('accepts %s', (_name, more) => {
    expect(readEvent({ ...SET, ...more }, DEMANDS).ended).toBeDefined()
  })

  it.each<[string, object, string]>([
    ['another issuer', { iss: 'https://idp.example/' }, 'The iss of the SET must be https://idp.example'],
    ['no issuer', { iss: undefined }, 'The iss of the SET must be'],
    ['another audience', { aud: 'other' }, 'The aud of the SET must be https://auth.example/events or client'],
    ['no audience', { aud: undefined }, 'The aud of the SET must be a text'],
    ['no jti', { jti: undefined }, 'The jti of the SET must be a text'],
    ['a long jti', { jti: 'j'.repeat(257) }, 'The jti of the SET must be a text of 1 to 256 characters'],
    ['no iat', { iat: undefined }, 'The iat of the SET must be a whole number'],
    ['an iat in the future', { iat: NOW_S + 61 }, 'must not be in the future'],
    ['an event of more than a week ago', { iat: NOW_S - WEEK_S - 61 }, 'must be at most 604800 seconds old'],
    ['a sub, as ID tokens have it', { sub: 'alice' }, 'The SET must not have the claim sub'],
    ['an exp', { exp: NOW_S + 9 }, 'The SET must not have the claim exp'],
    ['a nonce', { nonce: 'n' }, 'The SET must not have the claim nonce'],
    ['a sid, as logout tokens have it', { sid: 's' }, 'The SET must not have the claim sid'],
    ['no events', { events: undefined }, 'exactly one event'],
    ['a list of events', { events: [DISABLED] }, 'exactly one event'],
    ['two events', { events: { [DISABLED]: {}, 'urn:other': {} } }, 'exactly one event'],
    ['an event that is no object', { events: { [DISABLED]: true } }, 'exactly one event'],
    ['no subject', { sub_id: undefined }, 'must have a sub_id of the format iss_sub'],
    ['a subject of another format', { sub_id: { format: 'email', email: 'a@b.example' } }, 'of the format iss_sub'],
    ['a subject of another issuer', { sub_id: { ...SET.sub_id, iss: 'https://other.example' } }, 'must have the iss'],
    ['a subject without sub', { sub_id: { format: 'iss_sub', iss: ISSUER } }, 'The sub of the SET must be a text'],
    ['a long sub', { sub_id: { ...SET.sub_id, sub: 's'.repeat(256) } }, 'of 1 to 255 characters'],
  ])('refuses %s', (_name, more, why) => {
    const claims = JSON.parse(JSON.stringify({ ...SET, ...more }))
    expect(() => readEvent(claims, DEMANDS)).toThrow(why)
  })
})
