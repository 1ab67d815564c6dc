import { recordedInception } from '@auth4agent/core/key-events/key-event'
import type { KeyEventFault } from '@auth4agent/core/key-events/refusal'
import { nextPlace, proofOf } from '../../../support/key-events.ts'
import { encodePart } from './jws.ts'
import { event, FIRST, LATER, log, NEXT, OTHER, P256, proof, proven } from './key-event-logs.ts'
import { DID, NOW_S, OTHER_DID, OTHER_DOMAIN, OTHER_OPERATOR_ID } from './parties.ts'

type Row = readonly [name: string, events: readonly string[], refused: KeyEventFault, at?: number]

/** Makes logs that a replayer refuses. The last event of a log is the wrong one, unless a row says otherwise. */
export function refusedLogs(): readonly object[] {
  return [...beginnings(), ...places(), ...signers(), ...commitments(), ...keys(), ...forms()].map(
    ([name, events, refused, at = events.length - 1]) => ({ name, events, expect: { refused, at } }),
  )
}

const FREE = log()
const COMMITTED = log({ next: NEXT.kid })
const RECORDED = recordedInception({ did: DID, key: FIRST.jwk, iat: NOW_S })
const ENDING = { type: 'deactivate' }
const LABEL = { label: 'TPM', exp: NOW_S + 3600 }
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
const rotated = () => after(FREE, { type: 'rotate', ...proven(FREE, NEXT) })

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
  const added = after(FREE, { type: 'add-key', ...LABEL, ...proven(FREE, P256) })
  const fork = event(FREE, { type: 'add-key', ...LABEL, label: 'other', ...proven(FREE, P256) })
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
  const added = after(FREE, { type: 'add-key', ...LABEL, ...proven(FREE, OTHER) })
  return [
    ['an event of another key', after(FREE, ENDING, OTHER), 'signature'],
    [
      'an event of another key under the kid of the identity key',
      after(FREE, ENDING, OTHER, { kid: FIRST.kid }),
      'signature',
    ],
    ['an event of the key before', after(rotated(), ENDING, FIRST), 'signature'],
    ['an event of an added key', after(added, ENDING, OTHER), 'signature'],
    [
      'an event of the committed key',
      after(COMMITTED, { type: 'rotate', ...proven(COMMITTED, NEXT) }, NEXT),
      'signature',
    ],
    ['a changed signature', [...FREE, event(FREE, ENDING).replace(/.{4}$/, 'AAAA')], 'signature'],
    ['a proof of another key', after(FREE, { type: 'rotate', key: NEXT.jwk, proof: proof(FREE, OTHER) }), 'signature'],
    [
      'a proof for another place',
      after(rotated(), { type: 'rotate', key: LATER.jwk, proof: proof(FREE, LATER) }, NEXT),
      'signature',
    ],
    [
      'a proof with a further claim',
      after(FREE, { type: 'rotate', key: NEXT.jwk, proof: proofOf(NEXT, { ...nextPlace(FREE), type: 'rotate' }) }),
      'signature',
    ],
    [
      'a proof with another typ',
      after(FREE, { type: 'rotate', key: NEXT.jwk, proof: proofOf(NEXT, nextPlace(FREE), { typ: 'JWT' }) }),
      'malformed',
    ],
  ]
}

function commitments(): readonly Row[] {
  return [
    [
      'a rotation to an uncommitted key',
      after(COMMITTED, { type: 'rotate', ...proven(COMMITTED, OTHER) }),
      'not-committed',
    ],
    [
      'a recovery with an uncommitted key',
      after(COMMITTED, { type: 'recover', key: OTHER.jwk }, OTHER),
      'not-committed',
    ],
    ['a recovery without a commitment', after(FREE, { type: 'recover', key: NEXT.jwk }, NEXT), 'not-committed'],
    ['deactivate without the committed key', after(COMMITTED, ENDING), 'not-committed'],
    [
      'deactivate with an uncommitted key',
      after(COMMITTED, { ...ENDING, ...proven(COMMITTED, OTHER) }),
      'not-committed',
    ],
    [
      'deactivate with a key but without a commitment',
      after(FREE, { ...ENDING, ...proven(FREE, NEXT) }),
      'not-committed',
    ],
    ['a move without the committed key', after(COMMITTED, MOVE), 'not-committed'],
    ['a move with an uncommitted key', after(COMMITTED, { ...MOVE, ...proven(COMMITTED, OTHER) }), 'not-committed'],
    ['a move with a key but without a commitment', after(FREE, { ...MOVE, ...proven(FREE, NEXT) }), 'not-committed'],
    [
      'a move with a proof of the identity key',
      after(COMMITTED, { ...MOVE, key: NEXT.jwk, proof: proof(COMMITTED, FIRST) }),
      'signature',
    ],
    ['a move with a key but without a proof', after(COMMITTED, { ...MOVE, key: NEXT.jwk }), 'malformed'],
  ]
}

function keys(): readonly Row[] {
  const added = after(FREE, { type: 'add-key', ...LABEL, ...proven(FREE, P256) })
  const adding = (change: object) => after(FREE, { type: 'add-key', ...LABEL, ...proven(FREE, P256), ...change })
  const log1 = rotated()
  return [
    ['a rotation back to the first key', after(log1, { type: 'rotate', ...proven(log1, FIRST) }, NEXT), 'reused'],
    ['the identity key as added key', after(FREE, { type: 'add-key', ...LABEL, ...proven(FREE, FIRST) }), 'reused'],
    [
      'the committed key as added key',
      after(COMMITTED, { type: 'add-key', ...LABEL, ...proven(COMMITTED, NEXT) }),
      'reused',
    ],
    ['a key that is added twice', after(added, { type: 'add-key', ...LABEL, ...proven(added, P256) }), 'reused'],
    [
      'a commitment to an added key',
      after(added, { type: 'rotate', ...proven(added, NEXT), next: P256.kid }),
      'reused',
    ],
    ['removal of a key that is not there', after(added, { type: 'remove-key', kid: OTHER.kid }), 'unknown-key'],
    ['an expiry at the time of the event', adding({ exp: nextPlace(FREE).iat }), 'malformed'],
    ['an expiry after more than 366 days', adding({ exp: nextPlace(FREE).iat + 366 * 86_400 + 1 }), 'malformed'],
    ['a label with a direction mark', adding({ label: 'TPM\u202e' }), 'malformed'],
    ['a label of 101 characters', adding({ label: 'x'.repeat(101) }), 'malformed'],
    ['a P-256 key as identity key', after(FREE, { type: 'rotate', ...proven(FREE, P256) }), 'malformed'],
    ['a key of small order', after(FREE, { type: 'rotate', key: SMALL_ORDER, proof: proof(FREE, NEXT) }), 'signature'],
    ['a key with a private member', adding({ key: { ...P256.jwk, d: P256.jwk.x } }), 'malformed'],
    ['a move to the fingerprint of another agent', after(FREE, moving(OTHER_DID)), 'malformed'],
    ['a move to the same DID', after(FREE, moving(DID)), 'malformed'],
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
