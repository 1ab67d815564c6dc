import { randomUUID } from 'node:crypto'
import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import type { DescMethod, JsonObject } from '@bufbuild/protobuf'
import { SignalService } from '../../../gen/proto/auth4agent/v1/signals_pb.ts'
import type { ReasonCode } from '../../../services/platform/errors/reasons.ts'
import { MAX_STREAMS } from '../../../services/signals/store/change-stream.ts'
import { MAX_SUBJECTS } from '../../../services/signals/store/choose-subject.ts'
import { accessToken } from '../../support/access-tokens.ts'
import { shortName } from '../support/contract.ts'
import { untilKnown } from '../support/end-token.ts'
import type { RefusalCase } from '../support/refusal.ts'
import { fillStreams, fillSubjects, seedStream } from '../support/seed-streams.ts'
import type { World } from '../support/world.ts'
import { NOBODY, validRequests } from './valid-requests.ts'

const { method } = SignalService
const { createStream, updateStream, addSubject, removeSubject, verifyStream, pollEvents } = method
const MANAGED = Object.values(method).filter((each) => each !== method.getSecurityEventKeys)
const NAMED = MANAGED.filter((each) => each !== createStream)

/** Returns a case about a good request with edits. */
function edited(of: DescMethod, name: string, reason: ReasonCode, edits: JsonObject): RefusalCase {
  const request: RefusalCase['request'] = (world) => ({ ...validRequests[shortName(of)]?.(world), ...edits })
  return { name, method: of, reason, caller: 'acme', request }
}

const unknown: readonly RefusalCase[] = NAMED.flatMap((each) => [
  edited(each, 'a stream that does not exist', 'STREAM_NOT_FOUND', { stream_id: NOBODY }),
  edited(each, 'an id that is no UUID', 'STREAM_NOT_FOUND', { stream_id: 'stream' }),
  {
    name: 'the stream of another operator',
    method: each,
    reason: 'STREAM_NOT_FOUND',
    caller: 'bravo',
    request: (world) => ({ ...validRequests[shortName(each)]?.(world), stream_id: world.stream }),
  },
])

type Token = (world: World) => string
const bearer =
  (claims: object, header = {}): Token =>
  (world) =>
    `Bearer ${world.token({ scope: 'ssf.manage', ...claims }, header)}`

/** Access tokens with which no agent may manage streams, by what is wrong. */
const BAD_TOKENS: Readonly<Record<string, Token>> = {
  'a token that has expired': bearer({ iat: 1_700_000_000, nbf: 1_700_000_000, exp: 1_700_000_900 }),
  'a token for another audience': bearer({ aud: ['https://api.acme-operator.com'] }),
  'a token for this audience and another one': bearer({
    aud: ['http://localhost:8080', 'https://api.acme-operator.com'],
  }),
  'a token of another issuer': bearer({ iss: 'https://rogue.com' }),
  'a token by a foreign key': () => `Bearer ${accessToken(generateKeyPair())}`,
  'a token of an earlier epoch of its agent': bearer({ epoch: [0, 1] }),
  'a token with an actor': bearer({ act: { sub: 'did:agent:acme-operator.com:0' } }),
  'a bound token without a proof': bearer({ cnf: { jkt: 'A'.repeat(43) } }),
  'a token of the scheme DPoP without a proof': (world) => `DPoP ${world.token({ scope: 'ssf.manage' })}`,
  'an operator that does not exist': bearer({ operator_id: NOBODY }),
}

const tokens: readonly RefusalCase[] = [
  ...MANAGED.flatMap((each): RefusalCase[] => {
    const request: RefusalCase['request'] = (world) => validRequests[shortName(each)]?.(world) ?? {}
    const given = { method: each, request } as const
    return [
      {
        ...given,
        name: 'a token without the scope',
        reason: 'INSUFFICIENT_SCOPE',
        authorization: bearer({ scope: 'read ssf ssf.manages' }),
        audited: true,
      },
      {
        ...given,
        name: 'a token for another audience',
        reason: 'INVALID_ACCESS_TOKEN',
        authorization: bearer({ aud: ['https://api.acme-operator.com'] }),
      },
    ]
  }),
  ...Object.entries(BAD_TOKENS).map(
    ([name, authorization]): RefusalCase => ({
      name,
      method: createStream,
      reason: 'INVALID_ACCESS_TOKEN',
      authorization,
      request: () => ({}),
    }),
  ),
  {
    name: 'a token that was revoked',
    method: pollEvents,
    reason: 'INVALID_ACCESS_TOKEN',
    authorization: bearer({ jti: 'revoked-token-of-signals' }),
    request: async (world) => {
      const { db, operators, stream } = world
      const row = { operatorId: operators.acme.id, jti: 'revoked-token-of-signals' }
      const data = [{ ...row, expiresAt: new Date(Date.now() + 900_000) }]
      await db.prisma.revokedToken.createMany({ data, skipDuplicates: true })
      await untilKnown(world)
      return { stream_id: stream, return_immediately: true }
    },
  },
]

/** Endpoints to which the server must not push. */
const ENDPOINTS = [
  'http://events.bravo-operator.com/ssf',
  'https://127.0.0.1/ssf',
  'https://2130706433/ssf',
  'https://0x7f.1/ssf',
  'https://169.254.169.254/latest/meta-data',
  'https://[::1]/ssf',
  'https://[::ffff:127.0.0.1]/ssf',
  'https://[64:ff9b::7f00:1]/ssf',
  'https://user:secret@events.bravo-operator.com/ssf',
  'https://events.bravo-operator.com./ssf',
  'https://events.bravo-operator.com/#ssf',
  'https://localhost:0/ssf',
  'https:///events.bravo-operator.com/ssf',
  ' https://events.bravo-operator.com/ssf',
  'https://events.bravo-operator.com/ssf\n',
  'events.bravo-operator.com',
]

const PUSH = 'urn:ietf:rfc:8935'
const WITH_DELIVERY = [createStream, updateStream, method.replaceStream]
// All three read the delivery in the same way.
const endpoints = WITH_DELIVERY.flatMap((each) =>
  (each === createStream ? ENDPOINTS : ENDPOINTS.slice(1, 2)).map((url) =>
    edited(each, `the endpoint ${url}`, 'INVALID_ARGUMENT', { delivery: { method: PUSH, endpoint_url: url } }),
  ),
)
const POLL = 'urn:ietf:rfc:8936'
const polled = WITH_DELIVERY.flatMap((each) => [
  edited(each, 'the endpoint of a stream that is polled', 'INVALID_ARGUMENT', {
    delivery: { method: POLL, endpoint_url: 'https://events.bravo-operator.com/' },
  }),
  edited(each, 'an Authorization header of a stream that is polled', 'INVALID_ARGUMENT', {
    delivery: { method: POLL, authorization_header: 'Bearer x' },
  }),
])

const SUPPLIED: readonly JsonObject[] = [
  { iss: 'https://rogue.com' },
  { iss: '' },
  { aud: ['https://rogue.com'] },
  { events_supported: ['urn:x'] },
  { events_delivered: ['https://schemas.openid.net/secevent/caep/event-type/session-revoked'] },
  { min_verification_interval: 1 },
]
const supplied = [updateStream, method.replaceStream].flatMap((each) =>
  SUPPLIED.map((edits) =>
    edited(each, `another value of the server: ${JSON.stringify(edits)}`, 'INVALID_ARGUMENT', edits),
  ),
)

/** Subjects about which there are no events, or that are malformed. */
const SUBJECTS: Readonly<Record<string, readonly [JsonObject, ReasonCode]>> = {
  'an e-mail address': [{ format: 'email', email: 'a@b.com' }, 'SUBJECT_NOT_RECOGNIZED'],
  'a format that is a name of a prototype': [{ format: 'constructor' }, 'SUBJECT_NOT_RECOGNIZED'],
  'a subject of another issuer': [
    { format: 'iss_sub', iss: 'https://rogue.com', sub: 'did:agent:a.com:0' },
    'SUBJECT_NOT_RECOGNIZED',
  ],
  'a DID of another method': [{ format: 'did', url: 'did:web:a.com' }, 'SUBJECT_NOT_RECOGNIZED'],
  'a DID with a fragment': [
    { format: 'did', url: `did:agent:acme-operator.com:${'0'.repeat(32)}#key-1` },
    'SUBJECT_NOT_RECOGNIZED',
  ],
  'no format': [{ iss: 'https://rogue.com' }, 'INVALID_ARGUMENT'],
  'a member too many': [{ format: 'did', url: 'did:agent:a.com:0', note: 'x' }, 'INVALID_ARGUMENT'],
  'a member too few': [{ format: 'iss_sub', sub: 'did:agent:a.com:0' }, 'INVALID_ARGUMENT'],
  'a number as a member': [{ format: 'did', url: 7 }, 'INVALID_ARGUMENT'],
}
const subjects = [addSubject, removeSubject].flatMap((each) =>
  Object.entries(SUBJECTS).map(([name, [subject, reason]]) => edited(each, name, reason, { subject })),
)

const full: readonly RefusalCase[] = [
  {
    name: 'a stream more than the largest number of an operator',
    method: createStream,
    reason: 'STREAM_LIMIT',
    caller: 'bound',
    request: async ({ db, operators: { bound } }) => {
      await fillStreams(db, bound.id, MAX_STREAMS.operator)
      return {}
    },
  },
  ...[addSubject, removeSubject].map(
    (each): RefusalCase => ({
      name: 'a subject more than the largest number',
      method: each,
      reason: 'SUBJECT_LIMIT',
      caller: 'team',
      request: async ({ db, issuer, operators: { team } }) => {
        const stream_id = await seedStream(db, team.id)
        await fillSubjects(db, stream_id, MAX_SUBJECTS)
        return { stream_id, subject: { format: 'jwt_id', iss: issuer, jti: randomUUID() } }
      },
    }),
  ),
]

const others: readonly RefusalCase[] = [
  edited(pollEvents, 'an error without a code', 'INVALID_ARGUMENT', { set_errs: { a: { description: 'x' } } }),
  edited(pollEvents, 'an error that is a text', 'INVALID_ARGUMENT', { set_errs: { a: 'invalid_key' } }),
  {
    name: 'a disabled stream',
    method: verifyStream,
    reason: 'INVALID_ARGUMENT',
    caller: 'acme',
    request: async ({ db, operators: { acme } }) => {
      const stream_id = await seedStream(db, acme.id)
      await db.prisma.signalStream.update({ where: { id: stream_id }, data: { status: 'disabled' } })
      return { stream_id }
    },
  },
  {
    name: 'a second request within the interval',
    method: verifyStream,
    reason: 'RATE_LIMITED',
    caller: 'team',
    audited: false,
    request: async ({ db, operators: { team } }) => {
      const stream_id = await seedStream(db, team.id)
      await db.prisma.signalStream.update({ where: { id: stream_id }, data: { verifiedAt: new Date() } })
      return { stream_id }
    },
  },
  {
    name: 'a stream whose events are pushed',
    method: pollEvents,
    reason: 'STREAM_NOT_FOUND',
    caller: 'team',
    request: async ({ db, operators: { team } }) => {
      const stream_id = await seedStream(db, team.id)
      const data = { deliveryMethod: 'push', endpointUrl: 'https://events.bravo-operator.com/' }
      await db.prisma.signalStream.update({ where: { id: stream_id }, data })
      return { stream_id, return_immediately: true }
    },
  },
]

/** Cases about the rules of SignalService. */
export const signalCases: readonly RefusalCase[] = [
  ...unknown,
  ...tokens,
  ...endpoints,
  ...polled,
  ...supplied,
  ...subjects,
  ...full,
  ...others,
]
