import { describe, expect, it } from 'vitest'
import { type Cause, type LoggedEnding, toEvents } from './to-events.ts'

const ISSUER = 'https://auth.example'
const DID = 'did:agent:acme.example:0123456789abcdef0123456789abcdef'
const OPERATOR = '0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b'
const CAEP = 'https://schemas.openid.net/secevent/caep/event-type/'

const ending = (kind: string, part: Partial<LoggedEnding> = {}): LoggedEnding => ({
  kind,
  operatorId: '',
  subject: '',
  minimumEpoch: 0,
  recordedAt: 1_764_000_000_999,
  cause: null,
  ...part,
})
const agent = (cause: Cause | null) =>
  toEvents(ending('agent', { operatorId: OPERATOR, subject: DID, minimumEpoch: 3, cause }), ISSUER) ?? []

/** The common part of each payload. */
const because = (en: string) => ({ event_timestamp: 1_764_000_000, reason_admin: { en } })

describe('toEvents', () => {
  it.each<[name: string, record: LoggedEnding, events: object[]]>([
    [
      'a token or grant',
      ending('token', { operatorId: OPERATOR, subject: 'j-1' }),
      [
        {
          type: `${CAEP}session-revoked`,
          subject: { format: 'jwt_id', iss: ISSUER, jti: 'j-1' },
          payload: because('The token or grant was revoked'),
        },
      ],
    ],
    [
      'an operator of an earlier version',
      ending('operator', { operatorId: OPERATOR, minimumEpoch: 7 }),
      [
        {
          type: `${CAEP}session-revoked`,
          subject: { format: 'iss_sub', iss: ISSUER, sub: OPERATOR },
          payload: { ...because('All tokens of the operator were ended'), minimum_epoch: 7 },
        },
      ],
    ],
    ...[
      ['disabled', 'The user was disabled'],
      ['removed', 'The user was removed'],
      ['user', 'All tokens of the user were ended'],
      ['suspend', 'All tokens of the user were ended'],
    ].map(([type = '', reason = '']): [string, LoggedEnding, object[]] => [
      `a user, with the cause ${type}`,
      ending('agent', { operatorId: OPERATOR, subject: 'user:9sK', minimumEpoch: 3, cause: { type } }),
      [
        {
          type: `${CAEP}session-revoked`,
          subject: { format: 'iss_sub', iss: ISSUER, sub: 'user:9sK' },
          payload: { ...because(reason), minimum_epoch: 3 },
        },
      ],
    ]),
    [
      'the deployment',
      ending('deployment', { minimumEpoch: 1_000 }),
      [
        {
          type: `${CAEP}session-revoked`,
          subject: { format: 'uri', uri: ISSUER },
          payload: { ...because('All tokens of the issuer were ended'), minimum_epoch: 1_000 },
        },
      ],
    ],
    [
      'a signing key',
      ending('key', { subject: 'thumb' }),
      [
        {
          type: `${CAEP}session-revoked`,
          subject: { format: 'uri', uri: 'urn:ietf:params:oauth:jwk-thumbprint:sha-256:thumb' },
          payload: because('A signing key of the issuer was marked as compromised'),
        },
        {
          type: `${CAEP}credential-change`,
          subject: { format: 'uri', uri: 'urn:ietf:params:oauth:jwk-thumbprint:sha-256:thumb' },
          payload: {
            ...because('A signing key of the issuer was marked as compromised'),
            credential_type: 'public-key',
            change_type: 'revoke',
          },
        },
      ],
    ],
    [
      'another issuer',
      ending('issuer', { subject: 'https://other.example', minimumEpoch: 2 }),
      [
        {
          type: `${CAEP}session-revoked`,
          subject: { format: 'uri', uri: 'https://other.example' },
          payload: { ...because('The issuer no longer trusts another issuer'), minimum_generation: 2 },
        },
      ],
    ],
    [
      'an edge of trust',
      ending('edge', { subject: OPERATOR }),
      [
        {
          type: `${CAEP}session-revoked`,
          subject: { format: 'opaque', id: OPERATOR },
          payload: because('A relation of trust on which tokens rested has ended'),
        },
      ],
    ],
  ])('says by the record of %s that sessions ended', (_name, record, events) => {
    expect(toEvents(record, ISSUER)).toEqual(events)
  })

  it.each<[type: string | undefined, reason: string]>([
    ['suspend', 'The agent was suspended'],
    ['revoke', 'The agent was revoked'],
    ['move', 'The agent moved to another operator, where it has another identifier'],
    ['delegation', 'The agent may hand its grants on less often than before'],
    ['a cause of a newer version', 'All tokens of the agent were ended'],
    [undefined, 'All tokens of the agent were ended'],
  ])('says of an agent with the cause %s only that its sessions ended', (type, reason) => {
    expect(agent(type === undefined ? null : { type })).toEqual([
      {
        type: `${CAEP}session-revoked`,
        subject: { format: 'iss_sub', iss: ISSUER, sub: DID },
        payload: { ...because(reason), minimum_epoch: 3 },
      },
    ])
  })

  it.each([
    ['rotate', 'update', 'The agent replaced its key'],
    ['recover', 'update', 'The agent was recovered with its next key'],
    ['remove_key', 'delete', 'The agent removed an added key'],
    ['deactivate', 'revoke', 'The agent deactivated itself'],
  ])('says of an agent with the cause %s that its credential changed: %s', (type, change, reason) => {
    expect(agent({ type })).toMatchObject([
      { type: `${CAEP}session-revoked`, payload: because(reason) },
      {
        type: `${CAEP}credential-change`,
        subject: { format: 'iss_sub', iss: ISSUER, sub: DID },
        payload: { ...because(reason), credential_type: 'public-key', change_type: change },
      },
    ])
  })

  it.each(['read write', ''])('says of an agent that lost scopes which ones it has left: "%s"', (scope) => {
    expect(agent({ type: 'scopes', scope })).toMatchObject([
      { type: `${CAEP}session-revoked` },
      {
        type: `${CAEP}token-claims-change`,
        subject: { format: 'iss_sub', iss: ISSUER, sub: DID },
        payload: { ...because('The agent lost scopes'), claims: { scope } },
      },
    ])
  })

  it.each([
    ['suspended', 'The operator was suspended'],
    ['released', 'The operator gave up its domain'],
    ['lapsed', 'The DNS record of the operator has been missing for too long'],
    ['superseded', 'Another operator proved the domain'],
    ['policy', 'The operator allows less delegation than before'],
    ['tokens', 'All tokens of the operator were ended'],
  ])('says why an operator ended: %s', (type, reason) => {
    const record = ending('operator', { operatorId: OPERATOR, minimumEpoch: 2, cause: { type } })
    expect(toEvents(record, ISSUER)).toMatchObject([{ payload: { ...because(reason), minimum_epoch: 2 } }])
  })

  it.each(['session', '', 'toString', '__proto__'])('does not guess what a record of the kind "%s" means', (kind) => {
    expect(toEvents(ending(kind), ISSUER)).toBeUndefined()
  })
})
