import { sha256Text } from '@auth4agent/core/encoding/sha256'
import { fingerprint, formatDid, parseDid } from '@auth4agent/core/identity/did'
import { signJwt } from '@auth4agent/core/identity/sign-jwt'
import { signerKid } from '@auth4agent/core/jose/signer-jwk'
import type { BundleRefusal } from '@auth4agent/core/key-events/agent-bundle'
import type { AgentBundle } from '@auth4agent/core/key-events/bundle-text'
import { KEY_EVENT_TYPE } from '@auth4agent/core/key-events/jws-types'
import type { KeyEventFault } from '@auth4agent/core/key-events/refusal'
import { type KeyChange, signInception, signKeyEvent } from '@auth4agent/core/key-events/sign-key-event'
import { signAgentRelease } from '@auth4agent/core/key-events/sign-release'
import type { Signer } from '@auth4agent/sdk'
import { forge, proving, stateOf } from './everywhere.ts'
import type { Move } from './thefts.ts'

/** The genuine history, and the keys that a forger has stolen or made. */
export interface Stolen {
  readonly log: readonly string[]
  /** Where the move in the log goes. */
  readonly move: Move
  /** The first key of the agent, and the key that it rotated to. Both were replaced. */
  readonly first: Signer
  readonly second: Signer
  /** A key of the forger. */
  readonly own: Signer
}

/** A forged log. */
export interface ForgedLog {
  readonly name: string
  readonly forge: (stolen: Stolen) => Promise<readonly string[]>
}

/** Forged logs that a replay refuses: at which event, and why. */
export const REFUSED_LOGS: readonly (ForgedLog & { readonly at: number; readonly why: KeyEventFault })[] = [
  { name: 'a changed event', forge: async ({ log }) => log.with(1, later(log[1] ?? '')), at: 1, why: 'signature' },
  { name: 'a log without one of its events', forge: async ({ log }) => log.toSpliced(2, 1), at: 2, why: 'conflict' },
  {
    name: 'a rotation that the stolen key signed',
    forge: (stolen) => continued(stolen, stolen.second, { type: 'rotate', key: proving(stolen.own) }),
    at: 2,
    why: 'not-committed',
  },
  {
    name: 'a move that the stolen key signed',
    forge: (stolen) => continued(stolen, stolen.second, stolen.move),
    at: 2,
    why: 'not-committed',
  },
  {
    name: 'a recovery that the thief signed',
    forge: (stolen) => continued(stolen, stolen.own, { type: 'recover' }),
    at: 2,
    why: 'not-committed',
  },
  {
    name: 'a rotation with the genuine proof and another next, and the recovery with that key',
    forge: recommitted,
    at: 1,
    why: 'signature',
  },
]

/** Forged logs that a replay refuses only if the verifier has seen the end of the log before (docs/identity.md). */
export const UNSEEN_LOGS: readonly ForgedLog[] = [
  { name: 'a log without its last event', forge: async ({ log }) => log.slice(0, -1) },
  {
    name: 'another log that the first key signed',
    async forge({ log, first, move }) {
      const domain = parseDid(stateOf(log).previousDids[0] ?? '')?.domain ?? ''
      const did = formatDid(domain, fingerprint(first.publicKey))
      const inception = await signInception(first, { did, nowS: Date.now() / 1000 })
      return [inception, await forge([inception], first, move)]
    },
  },
]

/** Returns the genuine log until its rotation, and one more event. */
async function continued({ log }: Stolen, signer: Signer, change: KeyChange): Promise<readonly string[]> {
  const before = log.slice(0, 2)
  return [...before, await forge(before, signer, change)]
}

/** Signs the genuine rotation again with the key that it replaced, and lets it commit to the key of the forger. */
async function recommitted({ log, first, own }: Stolen): Promise<readonly string[]> {
  const [inception = '', rotation = ''] = log
  const header = { typ: KEY_EVENT_TYPE, kid: signerKid(first) }
  const claims = claimsOf(rotation)
  const text = await signJwt(first, header, { ...claims, next: signerKid(own) })
  const end = { did: claims.did, seq: claims.seq, head: sha256Text(text, 'base64url'), iat: claims.iat }
  return [inception, text, await signKeyEvent(own, end, { type: 'recover' }, Date.now() / 1000)]
}

function claimsOf(event: string) {
  const [, payload = ''] = event.split('.')
  return JSON.parse(Buffer.from(payload, 'base64url').toString())
}

/** Changes the time in an event. */
function later(event: string): string {
  const [header, , signature] = event.split('.')
  const claims = claimsOf(event)
  return [
    header,
    Buffer.from(JSON.stringify({ ...claims, iat: claims.iat + 1 })).toString('base64url'),
    signature,
  ].join('.')
}

/** A forged bundle, and the part of it that is refused. */
interface ForgedBundle {
  readonly name: string
  readonly forge: (bundle: AgentBundle, means: Means) => Promise<AgentBundle>
  readonly part: BundleRefusal['part']
}

/** The operator that the agent left, a key that the operator has removed, and a key of the forger. */
interface Means {
  readonly operatorId: string
  readonly removed: Signer
  readonly own: Signer
}

/** Forged bundles that no server admits. */
export const REFUSED_BUNDLES: readonly ForgedBundle[] = [
  {
    name: 'whose release a removed key signed',
    forge: (bundle, { removed, operatorId }) => releasedBy(removed, bundle, operatorId),
    part: 'release',
  },
  {
    name: 'of an operator with another founding key',
    forge: async (bundle, { own }) => ({ ...bundle, foundingPublicKey: own.publicKey }),
    part: 'operator',
  },
  {
    name: 'without one of its events',
    forge: async (bundle) => ({ ...bundle, events: bundle.events.toSpliced(2, 1) }),
    part: 'log',
  },
  {
    name: 'without the move',
    forge: async (bundle) => ({ ...bundle, events: bundle.events.slice(0, -1) }),
    part: 'move',
  },
]

async function releasedBy(key: Signer, bundle: AgentBundle, operatorId: string): Promise<AgentBundle> {
  const { did: to, previousDids, head: event } = stateOf(bundle.events)
  const [did = ''] = previousDids
  return { ...bundle, release: await signAgentRelease(key, { operatorId, did, event, to, nowS: Date.now() / 1000 }) }
}
