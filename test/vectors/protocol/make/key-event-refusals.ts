import { sha256Text } from '@auth4agent/core/encoding/sha256'
import { recordedInception } from '@auth4agent/core/key-events/key-event'
import type { KeyEventFault } from '@auth4agent/core/key-events/refusal'
import { eventOf, nextPlace, proofOf } from '../../../support/key-events.ts'
import { encodePart } from './jws.ts'
import { event, FIRST, LATER, log, NEXT, OTHER, P256, proven } from './key-event-logs.ts'
import { DID, NOW_S, OPERATOR_ID, OTHER_DID, OTHER_DOMAIN, OTHER_OPERATOR_ID } from './parties.ts'

type Row = readonly [name: string, events: readonly string[], refused: KeyEventFault, at?: number]

/** Makes logs that a replayer refuses. The last event of a log is the wrong one, unless a row says otherwise. */
export function refusedLogs(): readonly object[] {
  return [...beginnings(), ...places(), ...signers(), ...proofs(), ...commitments(), ...keys(), ...forms()].map(
    ([name, events, refused, at = events.length - 1]) => ({ name, events, expect: { refused, at } }),
  )
}

const FREE = log()
const COMMITTED = log({ next: NEXT.kid })
const RECORDED = recordedInception({ did: DID, key: FIRST.jwk, iat: NOW_S })
const ENDING = { type: 'deactivate' }
const ROTATION = { type: 'rotate' }
const ADDING = { type: 'add-key', label: 'TPM', exp: NOW_S + 3600 }
const moving = (to: string) => ({
  type: 'move',
  to,
  operator_id: OTHER_OPERATOR_ID,
  issuer: 'https://auth.example.org',
})
const MOVE = moving(DID.replace('example.com', OTHER_DOMAIN))
const SMALL_ORDER = { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43) }

const after = (
  events: readonly string[],
  ...rest: Parameters<typeof event> extends [unknown, ...infer R] ? R : never
) => [...events, event(events, ...rest)]
const rotated = () => after(FREE, proven(FREE, NEXT, ROTATION))

function beginnings(): readonly Row[] {
  return [
    ['no inception', [event(FREE, ENDING)], 'conflict'],
    ['an inception with seq 1', log({ seq: 1 }), 'conflict'],
    ['an inception with the DID of another key', log({ did: OTHER_DID }), 'signature'],
    ['an inception that another key has signed', log({}, OTHER, { kid: FIRST.kid }), 'signature'],
    ['an inception with the kid of another key', log({}, OTHER), 'signature'],
    ['an inception that commits to its own key', log({ next: FIRST.kid }), 'reused'],
    ['a signed inception that says recorded', log({ recorded: true }), 'malformed'],
    ['a recorded inception with another order of members', [reordered()], 'malformed'],
    ['a second inception', [...FREE, ...FREE], 'conflict'],
  ]
}

/** Returns a recorded inception whose claims are in another order. */
function reordered(): string {
  const [header = ''] = RECORDED.split('.')
  const claims = { recorded: true, type: 'inception', did: DID, seq: 0, iat: NOW_S, key: FIRST.jwk }
  return `${header}.${encodePart(claims)}.`
}

function places(): readonly Row[] {
  const added = after(FREE, proven(FREE, P256, ADDING))
  const fork = event(FREE, proven(FREE, P256, { ...ADDING, label: 'other' }))
  const ended = after(added, ENDING)
  return [
    ['a fork: the event before was replaced by another valid one', [...FREE, fork, ended[2] ?? ''], 'conflict', 2],
    ['a gap: an event is missing', [...FREE, ended[2] ?? ''], 'conflict'],
    ['a repeated event', [...added, added[1] ?? ''], 'conflict'],
    ['events in the wrong order', [...FREE, ended[2] ?? '', added[1] ?? ''], 'conflict', 1],
    ['a number too high', after(FREE, { ...ENDING, seq: 2 }), 'conflict'],
    ['the DID of another agent', after(FREE, { ...ENDING, did: OTHER_DID }), 'conflict'],
    ['a time before the last event', after(FREE, { ...ENDING, iat: NOW_S - 1 }), 'conflict'],
    ['an event after deactivate', after(ended, ENDING), 'ended'],
  ]
}

function signers(): readonly Row[] {
  const added = after(FREE, proven(FREE, OTHER, ADDING))
  return [
    ['an event of another key', after(FREE, ENDING, OTHER), 'signature'],
    [
      'an event of another key under the kid of the identity key',
      after(FREE, ENDING, OTHER, { kid: FIRST.kid }),
      'signature',
    ],
    ['an event of the key before', after(rotated(), ENDING, FIRST), 'signature'],
    ['an event of an added key', after(added, ENDING, OTHER), 'signature'],
    ['an event of the committed key', after(COMMITTED, proven(COMMITTED, NEXT, ROTATION), NEXT), 'signature'],
    ['a changed signature', [...FREE, event(FREE, ENDING).replace(/.{4}$/, 'AAAA')], 'signature'],
  ]
}

const unproven = (name: string, events: readonly string[]): Row => [name, events, 'signature']

function proofs(): readonly Row[] {
  const { key, proof } = proven(COMMITTED, NEXT, MOVE)
  const committing = { ...ROTATION, next: LATER.kid }
  const signed = { ...nextPlace(FREE), ...ROTATION, key: NEXT.jwk }
  const rotating = (proven: object, header: object = {}) =>
    after(FREE, { ...signed, proof: proofOf(NEXT, proven, header) })
  const forged = event(COMMITTED, { ...proven(COMMITTED, NEXT, committing), next: OTHER.kid })
  const place = { ...nextPlace(COMMITTED), seq: 2, prev: sha256Text(forged, 'base64url') }
  return [
    unproven('a proof of another key', after(FREE, { ...signed, proof: proofOf(OTHER, signed) })),
    unproven(
      'a proof for another place',
      after(rotated(), { ...proven(FREE, LATER, ROTATION), ...nextPlace(rotated()) }, NEXT),
    ),
    unproven('a proof of the place alone', rotating(nextPlace(FREE))),
    unproven('a proof with a further claim', rotating({ ...signed, next: LATER.kid })),
    unproven('a proof without the key', rotating({ ...nextPlace(FREE), ...ROTATION })),
    unproven('a proof whose key has a further member', rotating({ ...signed, key: { ...NEXT.jwk, use: 'sig' } })),
    ['a proof with another typ', rotating(signed, { typ: 'JWT' }), 'malformed'],
    [
      'a rotation that the replaced key has signed again with another commitment, and a recovery with that key',
      [...COMMITTED, forged, eventOf(OTHER, { ...place, type: 'recover', key: OTHER.jwk })],
      'signature',
      1,
    ],
    unproven('a rotation with the proof of a move', after(COMMITTED, { ...ROTATION, key, proof, next: OTHER.kid })),
    unproven('deactivate with the proof of a move', after(COMMITTED, { ...ENDING, key, proof })),
    unproven(
      'a move with the proof of a move to another DID',
      after(COMMITTED, { ...MOVE, key, proof, to: DID.replace('example.com', 'example.net') }),
    ),
    unproven(
      'a move with the proof of a move to another operator',
      after(COMMITTED, { ...MOVE, key, proof, operator_id: OPERATOR_ID }),
    ),
    unproven(
      'a move with the proof of a move to another server',
      after(COMMITTED, { ...MOVE, key, proof, issuer: 'https://auth.example.net' }),
    ),
    unproven('a key that is added with another label', after(FREE, { ...proven(FREE, P256, ADDING), label: 'HSM' })),
    unproven(
      'a key that is added with another expiry',
      after(FREE, { ...proven(FREE, P256, ADDING), exp: NOW_S + 7200 }),
    ),
  ]
}

function commitments(): readonly Row[] {
  return [
    ['a rotation to an uncommitted key', after(COMMITTED, proven(COMMITTED, OTHER, ROTATION)), 'not-committed'],
    [
      'a recovery with an uncommitted key',
      after(COMMITTED, { type: 'recover', key: OTHER.jwk }, OTHER),
      'not-committed',
    ],
    ['a recovery without a commitment', after(FREE, { type: 'recover', key: NEXT.jwk }, NEXT), 'not-committed'],
    ['deactivate without the committed key', after(COMMITTED, ENDING), 'not-committed'],
    ['deactivate with an uncommitted key', after(COMMITTED, proven(COMMITTED, OTHER, ENDING)), 'not-committed'],
    ['deactivate with a key but without a commitment', after(FREE, proven(FREE, NEXT, ENDING)), 'not-committed'],
    ['a move without the committed key', after(COMMITTED, MOVE), 'not-committed'],
    ['a move with an uncommitted key', after(COMMITTED, proven(COMMITTED, OTHER, MOVE)), 'not-committed'],
    ['a move with a key but without a commitment', after(FREE, proven(FREE, NEXT, MOVE)), 'not-committed'],
    [
      'a move with a proof of the identity key',
      after(COMMITTED, { ...proven(COMMITTED, FIRST, MOVE), key: NEXT.jwk }),
      'signature',
    ],
    ['a move with a key but without a proof', after(COMMITTED, { ...MOVE, key: NEXT.jwk }), 'malformed'],
  ]
}

function keys(): readonly Row[] {
  const added = after(FREE, proven(FREE, P256, ADDING))
  const adding = (change: object) => after(FREE, proven(FREE, P256, { ...ADDING, ...change }))
  const log1 = rotated()
  return [
    ['a rotation back to the first key', after(log1, proven(log1, FIRST, ROTATION), NEXT), 'reused'],
    ['the identity key as added key', after(FREE, proven(FREE, FIRST, ADDING)), 'reused'],
    ['the committed key as added key', after(COMMITTED, proven(COMMITTED, NEXT, ADDING)), 'reused'],
    ['a key that is added twice', after(added, proven(added, P256, ADDING)), 'reused'],
    ['a commitment to an added key', after(added, proven(added, NEXT, { ...ROTATION, next: P256.kid })), 'reused'],
    ['removal of a key that is not there', after(added, { type: 'remove-key', kid: OTHER.kid }), 'unknown-key'],
    ['an expiry at the time of the event', adding({ exp: nextPlace(FREE).iat }), 'malformed'],
    ['an expiry after more than 366 days', adding({ exp: nextPlace(FREE).iat + 366 * 86_400 + 1 }), 'malformed'],
    ['a label with a direction mark', adding({ label: 'TPM\u202e' }), 'malformed'],
    ['a label of 101 characters', adding({ label: 'x'.repeat(101) }), 'malformed'],
    ['a P-256 key as identity key', after(FREE, proven(FREE, P256, ROTATION)), 'malformed'],
    ['a key of small order', after(FREE, { ...proven(FREE, NEXT, ROTATION), key: SMALL_ORDER }), 'signature'],
    [
      'a key with a private member',
      after(FREE, { ...proven(FREE, P256, ADDING), key: { ...P256.jwk, d: P256.jwk.x } }),
      'malformed',
    ],
    ['a move to the fingerprint of another agent', after(FREE, moving(OTHER_DID)), 'malformed'],
    ['a move to the same DID', after(FREE, moving(DID)), 'malformed'],
    ['a move over plain http', after(FREE, { ...MOVE, issuer: 'http://auth.example.org' }), 'malformed'],
  ]
}

function forms(): readonly Row[] {
  const wrong = (name: string, change: object): Row => [name, after(FREE, { ...ENDING, ...change }), 'malformed']
  const header = (name: string, change: object): Row => [name, after(FREE, ENDING, FIRST, change), 'malformed']
  return [
    wrong('an unknown type', { type: 'revoke' }),
    wrong('a further claim', { jti: '1' }),
    wrong('a further claim that objects inherit in some languages', { constructor: 1 }),
    wrong('no prev', { prev: undefined }),
    wrong('a number as text', { seq: '1' }),
    wrong('a time with a fraction', { iat: NOW_S + 0.5 }),
    wrong('a digest with padding', { prev: `${nextPlace(FREE).prev}=` }),
    header('the alg none', { alg: 'none' }),
    header('the alg ES256', { alg: 'ES256' }),
    header('the typ JWT', { typ: 'JWT' }),
    header('no kid', { kid: undefined }),
    header('crit', { crit: ['typ'] }),
    header('jwk', { jwk: FIRST.jwk }),
    ['a signature with padding', [...FREE, `${event(FREE, ENDING)}==`], 'malformed'],
    ['an event with four parts', [...FREE, `${event(FREE, ENDING)}.AA`], 'malformed'],
    ['an empty text', [...FREE, ''], 'malformed'],
  ]
}
