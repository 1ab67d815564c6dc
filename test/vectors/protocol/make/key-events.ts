import { recordedInception } from '@auth4agent/core/key-events/key-event'
import { replayKeyEvents } from '@auth4agent/core/key-events/replay-key-events'
import { nextPlace } from '../../../support/key-events.ts'
import { event, FIRST, keptProofs, LATER, log, NEXT, OTHER, P256, proof, proven, SEEDS } from './key-event-logs.ts'
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
  let whole = [...committed, event(committed, { type: 'add-key', ...label, ...proven(committed, P256) })]
  whole = [...whole, event(whole, { type: 'rotate', ...proven(whole, NEXT), next: LATER.kid })]
  whole = [...whole, event(whole, { type: 'recover', key: LATER.jwk, next: OTHER.kid }, LATER)]
  whole = [...whole, event(whole, { type: 'remove-key', kid: P256.kid }, LATER)]
  const move = { type: 'move', to: MOVED, operator_id: OTHER_OPERATOR_ID, issuer: 'https://auth.example.org' }
  whole = [...whole, event(whole, { ...move, ...proven(whole, OTHER) }, LATER)]
  whole = [...whole, event(whole, { type: 'deactivate', ...proven(whole, OTHER) }, LATER)]
  const adding = (change: object) => ({ type: 'add-key', ...label, ...proven(free, P256), ...change })
  const ending = { type: 'deactivate' }
  return [
    { name: 'an inception without a commitment', events: free },
    { name: 'an inception with a commitment', events: committed },
    { name: 'a recorded inception', events: recorded },
    {
      name: 'a rotation after a recorded inception',
      events: [...recorded, event(recorded, { type: 'rotate', ...proven(recorded, NEXT) })],
    },
    { name: 'every type of event', events: whole },
    { name: 'deactivate without a commitment', events: [...free, event(free, ending)] },
    { name: 'a move without a commitment', events: [...free, event(free, move)] },
    {
      name: 'a move with the committed key',
      events: [...committed, event(committed, { ...move, ...proven(committed, NEXT) })],
    },
    { name: 'the time of the event before', events: [...free, event(free, { ...ending, iat: NOW_S })] },
    { name: 'the alg Ed25519', events: [...free, event(free, ending, FIRST, { alg: 'Ed25519' })] },
    { name: 'a further member in the header', events: [...free, event(free, ending, FIRST, { note: 1 })] },
    { name: 'an added Ed25519 key', events: [...free, event(free, { ...adding({}), ...proven(free, OTHER) })] },
    {
      name: 'the other S in an ES256 proof',
      events: [...free, event(free, adding({ proof: proof(free, P256, 'other S') }))],
    },
    { name: 'an expiry after 366 days', events: [...free, event(free, adding({ exp: nextPlace(free).iat + YEAR_S }))] },
    {
      name: 'a label of 100 characters outside the BMP',
      events: [...free, event(free, adding({ label: '🔑'.repeat(100) }))],
    },
  ]
}
