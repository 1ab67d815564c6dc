import { recordedInception } from '@auth4agent/core/key-events/key-event'
import fc from 'fast-check'
import {
  didOf,
  type EventKey,
  eventOf,
  type IdentityKey,
  identityKey,
  p256Key,
  withProof,
} from '../../support/key-events.ts'
import { type NaiveState, naiveApply } from './naive-replayer.ts'

/** Keys of all random logs. A fixed pool is fast, because each key is made and admitted once. */
export const POOL = Array.from({ length: 16 }, (_, index) => identityKey(`pool ${index}`))
const P256_POOL = Array.from({ length: 6 }, (_, index) => p256Key(`pool ${index}`))
const NOW = 1_800_000_000
const DAY = 86_400

/** What a step does if it can. Some types are drawn more often than others. */
const TYPES = [
  'rotate',
  'rotate',
  'recover',
  'recover',
  'add-key',
  'add-key',
  'add-key',
  'remove-key',
  'move',
  'deactivate',
]

/** The random choices of one event. Numbers choose from lists whose lengths depend on the log. */
export interface Step {
  readonly type: string
  readonly key: number
  readonly commit: number | null
  readonly label: string
  readonly wait: number
}

/** The random choices of a log. */
export interface Recipe {
  readonly first: number
  readonly isRecorded: boolean
  readonly commit: number | null
  readonly steps: readonly Step[]
}

const choice = fc.nat({ max: 1_000 })
const commit = fc.oneof({ weight: 1, arbitrary: fc.constant(null) }, { weight: 2, arbitrary: choice })
export const step: fc.Arbitrary<Step> = fc.record({
  type: fc.constantFrom(...TYPES),
  key: choice,
  commit,
  label: fc.constantFrom('TPM', 'Büro', '🔑', 'a b', 'שלום'),
  wait: fc.constantFrom(0, 1, 60, 40 * DAY),
})
export const recipe: fc.Arbitrary<Recipe> = fc.record({
  first: choice,
  isRecorded: fc.boolean(),
  commit,
  steps: fc.array(step, { minLength: 1, maxLength: 9 }),
})

/** A valid event, with what is needed to sign it again in another form. */
export interface Made {
  readonly text: string
  readonly claims: Readonly<Record<string, unknown>>
  readonly signer: IdentityKey
  /** The key that proves itself in the event. */
  readonly proven: EventKey | undefined
  /** The state before the event; undefined for the inception. */
  readonly before: NaiveState | undefined
}

const pick = <T>(from: readonly T[], at: number): T | undefined => from[at % from.length]

/** Returns the key of the pool with a thumbprint. */
export function keyOf(kid: string | undefined): IdentityKey {
  const key = POOL.find((each) => each.kid === kid)
  if (key === undefined) throw new Error(`The pool does not have the key ${kid}`)
  return key
}

/** Builds a valid log. A step that its log does not allow is left out. */
export function buildLog({ first, isRecorded, commit: committed, steps }: Recipe): readonly Made[] {
  const key = pick(POOL, first) ?? POOL[0]
  if (key === undefined) throw new Error('The pool is empty')
  const inception = { type: 'inception', did: didOf(key), seq: 0, iat: NOW, key: key.jwk }
  const next =
    committed === null
      ? undefined
      : pick(
          POOL.filter((each) => each !== key),
          committed,
        )?.kid
  const made: Made[] = []
  if (isRecorded) {
    const text = recordedInception({ did: inception.did, key: key.jwk, iat: NOW })
    made.push({ text, claims: { ...inception, recorded: true }, signer: key, proven: undefined, before: undefined })
  } else {
    const claims = { ...inception, ...(next !== undefined && { next }) }
    made.push({ text: eventOf(key, claims), claims, signer: key, proven: undefined, before: undefined })
  }
  for (const each of steps) {
    const last = made.at(-1)
    if (last === undefined) break
    const state = naiveApply(last.before, last.text)
    const event = makeEvent(state, each)
    if (event !== undefined) made.push(event)
  }
  return made
}

/** Makes a valid event after a state, or undefined if the state does not allow the type. */
export function makeEvent(state: NaiveState, chosen: Step): Made | undefined {
  if (state.ended) return undefined
  const place = { did: state.did, seq: state.seq + 1, prev: state.head, iat: state.iat + chosen.wait }
  const change = changeOf(state, chosen, place)
  if (change === undefined) return undefined
  const { claims, proven, signer = keyOf(state.kid) } = change
  const bare = { type: chosen.type, ...place, ...claims }
  const all = proven === undefined ? bare : withProof(proven, bare)
  return { text: eventOf(signer, all), claims: all, signer, proven, before: state }
}

interface Change {
  readonly claims: Readonly<Record<string, unknown>>
  readonly proven?: EventKey
  readonly signer?: IdentityKey
}

function changeOf(state: NaiveState, chosen: Step, { iat }: { readonly iat: number }): Change | undefined {
  const isFree = ({ kid }: EventKey) => kid !== state.next && !knows(state, kid)
  const free = POOL.filter(isFree)
  const committed = state.next === undefined ? undefined : keyOf(state.next)
  const established = committed ?? pick(free, chosen.key)
  const next =
    chosen.commit === null
      ? undefined
      : pick(
          free.filter((key) => key !== established),
          chosen.commit,
        )
  const commitment = next && { next: next.kid }
  switch (chosen.type) {
    case 'rotate':
      return established && { claims: { ...commitment }, proven: established }
    case 'recover':
      return committed && { claims: { key: committed.jwk, ...commitment }, signer: committed }
    case 'add-key': {
      const added = pick<EventKey>([...P256_POOL.filter(isFree), ...free], chosen.key)
      const claims = { label: chosen.label, exp: iat + 1 + (chosen.key % (366 * DAY)) }
      return added && state.added.length < 4 ? { claims, proven: added } : undefined
    }
    case 'remove-key': {
      const removed = pick(state.added, chosen.key)
      return removed && { claims: { kid: removed.kid } }
    }
    case 'move': {
      const to = `did:agent:d${state.left.length}.example:${state.did.slice(-32)}`
      const operator = '11111111-1111-8111-8111-111111111111'
      const claims = { to, operator_id: operator, issuer: 'https://auth.example' }
      return { claims, ...(committed && { proven: committed }) }
    }
    default:
      return { claims: {}, ...(committed && { proven: committed }) }
  }
}

/** Tells whether a key is or was a key of the agent. */
function knows(state: NaiveState, kid: string): boolean {
  return state.used.includes(kid) || state.added.some((added) => added.kid === kid)
}
