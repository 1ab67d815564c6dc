import type { Audience } from '@auth4agent/core/token/audience'
import { create } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import {
  AgentSnapshotSchema,
  LookupAudienceOwnerResponseSchema,
  OperatorSnapshotSchema,
} from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { reasonOf } from '../../../test/support/reason-of.ts'
import { decideAudience } from './decide-audience.ts'

const AUDIENCE = { text: 'https://api.owner.example/v1', host: 'api.owner.example' }
const PORT = { text: 'https://api.owner.example:8443/v1', host: 'api.owner.example' }
const HOST = { text: 'api.owner.example', host: 'api.owner.example' }
const subject = {
  agent: create(AgentSnapshotSchema),
  operator: create(OperatorSnapshotSchema, { id: 'caller', domain: 'caller.example' }),
}

describe('permission', () => {
  const decide = (operatorId: string, audience = '', callers: string[] = []) => {
    const rules = audience === '' ? [] : [{ audience, callers }]
    const owner = create(LookupAudienceOwnerResponseSchema, { operatorId, rules })
    return reasonOf(() => decideAudience(AUDIENCE, owner, subject))
  }

  it.each<[string, Parameters<typeof decide>]>([
    ['nobody owns', ['']],
    ['the caller owns', ['caller']],
    ['the caller owns and lists for nobody', ['caller', AUDIENCE.text, []]],
    ['the owner lists for the caller', ['owner', AUDIENCE.text, ['caller.example']]],
    ['the owner lists by its host', ['owner', AUDIENCE.host, ['caller.example']]],
    ['the owner lists for everybody', ['owner', AUDIENCE.text, ['*']]],
  ])('is given for an audience that %s', (_, about) => {
    expect(decide(...about)).toBeUndefined()
  })

  it.each<[string, Parameters<typeof decide>]>([
    ['lists nothing', ['owner']],
    ['lists nobody', ['owner', AUDIENCE.text, []]],
    ['lists another caller', ['owner', AUDIENCE.text, ['other.example']]],
    ['lists a domain above the caller', ['owner', AUDIENCE.text, ['example']]],
    ['lists a domain below the caller', ['owner', AUDIENCE.text, ['sub.caller.example']]],
    ['lists another path', ['owner', 'https://api.owner.example/', ['caller.example']]],
    ['lists a parent of the host', ['owner', 'owner.example', ['caller.example']]],
  ])('is refused for an audience whose owner %s', (_, about) => {
    expect(decide(...about)).toBe('AUDIENCE_NOT_ALLOWED')
  })
})

/** What an owner's algorithms by audience come to. Everybody may ask. */
function algorithmOf(audience: Audience, algorithms: Readonly<Record<string, string>>, operatorId = 'owner') {
  const rules = Object.entries(algorithms).map(([name, tokenSigningAlg]) => ({
    audience: name,
    callers: ['*'],
    tokenSigningAlg,
  }))
  return decideAudience(audience, create(LookupAudienceOwnerResponseSchema, { operatorId, rules }), subject)
}

describe('the algorithm of an audience', () => {
  it.each<[string, Audience, Readonly<Record<string, string>>, string]>([
    ['its own rule', AUDIENCE, { [AUDIENCE.text]: 'ES256' }, 'ES256'],
    ['the rule of its host', AUDIENCE, { [AUDIENCE.host]: 'ES256' }, 'ES256'],
    ['its own rule before that of its host', AUDIENCE, { [AUDIENCE.host]: 'RS256', [AUDIENCE.text]: 'ES256' }, 'ES256'],
    [
      'its own rule after which its host has one',
      AUDIENCE,
      { [AUDIENCE.text]: 'ES256', [HOST.text]: 'RS256' },
      'ES256',
    ],
    ['its own rule that has chosen nothing', AUDIENCE, { [AUDIENCE.host]: 'RS256', [AUDIENCE.text]: '' }, 'EdDSA'],
    ['the rule of its host that has chosen nothing', AUDIENCE, { [AUDIENCE.host]: '' }, 'EdDSA'],
    ['its own rule with a port', PORT, { [PORT.text]: 'ES256', [PORT.host]: 'RS256' }, 'ES256'],
    ['the rule of its host beside a port', PORT, { [AUDIENCE.text]: 'ES256', [PORT.host]: 'RS256' }, 'RS256'],
    ['the rule of a bare host', HOST, { [AUDIENCE.text]: 'ES256', [HOST.text]: 'RS256' }, 'RS256'],
    ['no rule of another path', AUDIENCE, { 'https://api.owner.example/': 'ES256' }, 'EdDSA'],
    ['no rule of a path below', AUDIENCE, { [`${AUDIENCE.text}/more`]: 'ES256' }, 'EdDSA'],
    ['no rule of another scheme', AUDIENCE, { 'wss://api.owner.example/v1': 'ES256' }, 'EdDSA'],
    ['no rule of a host above', AUDIENCE, { 'owner.example': 'ES256', [HOST.text]: '' }, 'EdDSA'],
  ])('comes from %s', (_, audience, algorithms, alg) => {
    // The owner's own agent, so that rules of other audiences refuse nothing.
    expect(algorithmOf(audience, algorithms, 'caller')).toBe(alg)
  })

  it.each(['EdDSA', 'Ed25519', 'ES256', 'RS256'])('may be %s, for others as for the owner itself', (alg) => {
    for (const owner of ['owner', 'caller']) expect(algorithmOf(AUDIENCE, { [AUDIENCE.text]: alg }, owner)).toBe(alg)
  })

  it('is EdDSA where nobody owns it', () => {
    expect(algorithmOf(AUDIENCE, {}, '')).toBe('EdDSA')
  })

  it('comes from the rule that counts, whichever of the two lets the caller ask', () => {
    const owner = create(LookupAudienceOwnerResponseSchema, {
      operatorId: 'owner',
      rules: [
        { audience: AUDIENCE.host, callers: ['caller.example'], tokenSigningAlg: 'RS256' },
        { audience: AUDIENCE.text, callers: [], tokenSigningAlg: 'ES256' },
      ],
    })
    expect(decideAudience(AUDIENCE, owner, subject)).toBe('ES256')
  })

  it.each(['ML-DSA-44', 'eddsa', 'none', ' '])('that is "%s" is not known here, and nothing else is taken', (alg) => {
    for (const owner of ['owner', 'caller'])
      expect(reasonOf(() => algorithmOf(AUDIENCE, { [AUDIENCE.text]: alg, [AUDIENCE.host]: 'ES256' }, owner))).toBe(
        'UNAVAILABLE',
      )
  })

  it('that is not known is told only to those who may ask', () => {
    const rules = [{ audience: AUDIENCE.text, callers: ['other.example'], tokenSigningAlg: 'ML-DSA-44' }]
    const owner = create(LookupAudienceOwnerResponseSchema, { operatorId: 'owner', rules })
    expect(reasonOf(() => decideAudience(AUDIENCE, owner, subject))).toBe('AUDIENCE_NOT_ALLOWED')
  })
})
