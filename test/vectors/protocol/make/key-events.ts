import { recordedInception } from '@auth4agent/core/key-events/key-event'
import { replayKeyEvents } from '@auth4agent/core/key-events/replay-key-events'
import { nextPlace, proofOf } from '../../../support/key-events.ts'
import { event, FIRST, keptProofs, LATER, log, NEXT, OTHER, P256, proven, SEEDS } from './key-event-logs.ts'
import { refusedLogs } from './key-event-refusals.ts'
import { DID, describe, NOW_S, OTHER_DOMAIN, OTHER_OPERATOR_ID } from './parties.ts'

interface Accepted {
  readonly name: string
  readonly events: readonly string[]
}

const MOVED = DID.replace('example.com', OTHER_DOMAIN)
const YEAR_S = 366 * 86_400

/** Makes logs of key events that a replayer accepts, with the state after them, and logs that it refuses. */
export function makeKeyEvents(committed: readonly string[]): object {
  keptProofs(committed)
  return {
    description: describe(
      'Logs of key events (docs/identity.md). `accepted`: logs and the state after the last event.',
      '`refused`: logs whose event number `at` is wrong, and the kind of fault. Earlier events are right.',
      'A replayer in another language must agree about the place. The kind of fault decides only the error of a server.',
      'ES256 signatures are random, so making this file again keeps the signatures that are in it.',
    ),
    keys: SEEDS.map(({ name, seed, key: { jwk, kid } }) => {
      const secret = seed.toString('hex')
      return { name, secret_hex: secret, expect: { jwk, kid } }
    }),
    accepted: acceptedLogs().map(({ name, events }) => ({ name, events, expect: stateOf(events) })),
    refused: refusedLogs(),
  }
}

/** Returns the state after a log, as a vector shows it. */
function stateOf(events: readonly string[]): object {
  const replayed = replayKeyEvents(events)
  if (!replayed.ok) throw new Error(`Event ${replayed.at}: ${replayed.demand}`)
  const {
    did,
    previousDids,
    seq,
    head,
    iat,
    kid,
    next = null,
    addedKeys,
    usedKids,
    recorded,
    deactivated,
  } = replayed.state
  const added = addedKeys.map((key) => ({ kid: key.kid, label: key.label, exp: key.exp }))
  const keys = { kid, next, added_keys: added, used_kids: [...usedKids] }
  return { did, previous_dids: previousDids, seq, head, iat, ...keys, recorded, deactivated }
}

function acceptedLogs(): readonly Accepted[] {
  const free = log()
  const committed = log({ next: NEXT.kid })
  const recorded = [recordedInception({ did: DID, key: FIRST.jwk, iat: NOW_S })]
  const label = { label: 'TPM', exp: NOW_S + 3600 }
  let whole = [...committed, event(committed, proven(committed, P256, { type: 'add-key', ...label }))]
  whole = [...whole, event(whole, proven(whole, NEXT, { type: 'rotate', next: LATER.kid }))]
  whole = [...whole, event(whole, { type: 'recover', key: LATER.jwk, next: OTHER.kid }, LATER)]
  whole = [...whole, event(whole, { type: 'remove-key', kid: P256.kid }, LATER)]
  const move = { type: 'move', to: MOVED, operator_id: OTHER_OPERATOR_ID, issuer: 'https://auth.example.org' }
  whole = [...whole, event(whole, proven(whole, OTHER, move), LATER)]
  whole = [...whole, event(whole, proven(whole, OTHER, { type: 'deactivate' }), LATER)]
  const adding = { type: 'add-key', ...label }
  const ending = { type: 'deactivate' }
  return [
    { name: 'an inception without a commitment', events: free },
    { name: 'an inception with a commitment', events: committed },
    { name: 'a recorded inception', events: recorded },
    {
      name: 'a rotation after a recorded inception',
      events: [...recorded, event(recorded, proven(recorded, NEXT, { type: 'rotate' }))],
    },
    { name: 'every type of event', events: whole },
    { name: 'deactivate without a commitment', events: [...free, event(free, ending)] },
    { name: 'a move without a commitment', events: [...free, event(free, move)] },
    {
      name: 'a move with the committed key',
      events: [...committed, event(committed, proven(committed, NEXT, move))],
    },
    { name: 'the time of the event before', events: [...free, event(free, { ...ending, iat: NOW_S })] },
    { name: 'the alg Ed25519', events: [...free, event(free, ending, FIRST, { alg: 'Ed25519' })] },
    { name: 'a further member in the header', events: [...free, event(free, ending, FIRST, { note: 1 })] },
    { name: 'an added Ed25519 key', events: [...free, event(free, proven(free, OTHER, adding))] },
    {
      name: 'the other S in an ES256 proof',
      events: [...free, event(free, proven(free, P256, adding, 'other S'))],
    },
    { name: 'a proof with the claims in another order', events: [...free, event(free, reordered(free))] },
    {
      name: 'an expiry after 366 days',
      events: [...free, event(free, proven(free, P256, { ...adding, exp: nextPlace(free).iat + YEAR_S }))],
    },
    {
      name: 'a label of 100 characters outside the BMP',
      events: [...free, event(free, proven(free, P256, { ...adding, label: '🔑'.repeat(100) }))],
    },
  ]
}

/** Returns a rotation whose proof has the claims, and the members of the key, in the opposite order. */
function reordered(events: readonly string[]): object {
  const claims = { ...nextPlace(events), type: 'rotate', key: NEXT.jwk }
  const signed = reversed({ ...claims, key: reversed(NEXT.jwk) })
  return { ...claims, proof: proofOf(NEXT, signed) }
}

function reversed(object: object): object {
  return Object.fromEntries(Object.entries(object).toReversed())
}
