import { parseDid } from '../identity/did.ts'
import { type KeysInForce, verifyManifestChain } from '../identity/verify-manifest-chain.ts'
import { type AgentBundle, formatAgentBundle } from './bundle-text.ts'
import type { MoveClaims } from './event-claims.ts'
import { parseKeyEvent } from './key-event.ts'
import type { KeyState } from './key-state.ts'
import type { KeyEventRefusal } from './refusal.ts'
import {
  type AgentRelease,
  checkReleaseContent,
  checkReleaseKey,
  parseAgentRelease,
  type ReleasingKey,
} from './release.ts'
import { replayKeyEvents } from './replay-key-events.ts'

/** Largest bundle that a server imports: the length of its JSON text, in bytes. */
export const MAX_BUNDLE_BYTES = 256_000

/** The operator that is to admit the agent: its id, its domain in A-labels, and the issuer of its server. */
export interface BundleTarget {
  readonly issuer: string
  readonly operatorId: string
  readonly domain: string
}

/** What a bundle says besides the log: the move, and the release by the operator that the agent leaves. */
interface CheckedBundle {
  readonly ok: true
  readonly move: MoveClaims
  /** SHA-256 of the event `move`, base64url. */
  readonly digest: string
  readonly release: AgentRelease
  /** The operator that released the agent: its id, its domain, and the issuer of its server. */
  readonly source: BundleTarget
}

/** What a bundle proves. */
interface VerifiedBundle extends CheckedBundle {
  /** The agent's state after the move. */
  readonly state: KeyState
}

/** A refused bundle: which part is wrong, and a sentence that says what would be right. */
export interface BundleRefusal {
  readonly ok: false
  readonly part: 'size' | 'move' | 'release' | 'operator' | 'log'
  readonly demand: string
}

/**
 * Verifies offline that an agent may move to an operator. It replays the whole log. The last event must be the move to
 * exactly this operator. An operator of another server must have released exactly this move, with a key that could do
 * so at the time of the release.
 *
 * The bundle does not prove that the releasing operator ever held the domain of the old DID: compare `source` with the
 * DNS record of the domain. And it does not show what happened after the release.
 *
 * @example
 * ```ts
 * import { verifyAgentBundle } from '@auth4agent/core/key-events/agent-bundle'
 *
 * const verified = verifyAgentBundle(bundle, { issuer, operatorId, domain })
 * if (!verified.ok) throw new TypeError(verified.demand)
 * console.log(verified.source.domain, verified.state.did)
 * ```
 */
export function verifyAgentBundle(bundle: AgentBundle, target: BundleTarget): VerifiedBundle | BundleRefusal {
  const checked = checkAgentBundle(bundle, target)
  if (!checked.ok) return checked
  const history = replayKeyEvents(bundle.events, checked.move.to)
  return history.ok ? { ...checked, state: history.state } : refuseEvent(history.at, history)
}

/**
 * Checks everything of a bundle except the log, which takes most of the time: its size, the move, and the release with
 * the keys of the operator. The caller replays the log.
 *
 * @example
 * ```ts
 * import { checkAgentBundle } from '@auth4agent/core/key-events/agent-bundle'
 *
 * const checked = checkAgentBundle(bundle, { issuer, operatorId, domain })
 * if (!checked.ok) throw new TypeError(checked.demand)
 * ```
 */
export function checkAgentBundle(bundle: AgentBundle, target: BundleTarget): CheckedBundle | BundleRefusal {
  const tooLarge = checkBundleSize(bundle)
  if (tooLarge !== undefined) return tooLarge
  const last = readMove(bundle, target)
  if (!last.ok) return last
  const released = checkRelease(bundle, last.move, last.digest)
  return released.ok ? { ...last, ...released } : released
}

/**
 * Returns the refusal of a bundle whose log has a wrong event at a place from 0.
 *
 * @example
 * ```ts
 * import { refuseEvent } from '@auth4agent/core/key-events/agent-bundle'
 *
 * const applied = applyKeyEvent(state, event)
 * const refusal = applied.ok ? undefined : refuseEvent(at, applied)
 * ```
 */
export function refuseEvent(at: number, { demand }: Pick<KeyEventRefusal, 'demand'>): BundleRefusal {
  return refuse('log', `event ${at} of the bundle is refused: ${demand}`)
}

/**
 * Checks that a server can import a bundle of this size. Returns undefined if it can.
 *
 * @example
 * ```ts
 * import { checkBundleSize } from '@auth4agent/core/key-events/agent-bundle'
 *
 * const refusal = checkBundleSize(bundle)
 * if (refusal !== undefined) throw new RangeError(refusal.demand)
 * ```
 */
export function checkBundleSize(bundle: AgentBundle): BundleRefusal | undefined {
  const size = formatAgentBundle(bundle).length
  return size <= MAX_BUNDLE_BYTES
    ? undefined
    : refuse('size', `the JSON of the bundle must have at most ${MAX_BUNDLE_BYTES} bytes, but it has ${size}`)
}

type Move = { readonly ok: true; readonly move: MoveClaims; readonly digest: string }

function readMove({ events, issuer }: AgentBundle, target: BundleTarget): Move | BundleRefusal {
  const event = parseKeyEvent(events.at(-1) ?? '')
  if (!event.ok) return refuse('move', `the last event of the bundle is refused: ${event.demand}`)
  const { claims, digest } = event
  if (claims.type !== 'move') return refuse('move', 'the last event of the bundle must be a move')
  if (claims.issuer !== target.issuer) return refuse('move', `the issuer of the move must be ${target.issuer}`)
  if (issuer === target.issuer)
    return refuse('move', 'the issuer of the bundle must be another server than the one that imports it')
  if (claims.operatorId !== target.operatorId)
    return refuse('move', `the operator_id of the move must be ${target.operatorId}`)
  if (parseDid(claims.to)?.domain !== target.domain)
    return refuse('move', `the new DID of the move must be under ${target.domain}`)
  return { ok: true, move: claims, digest }
}

type Released = { readonly ok: true; readonly release: AgentRelease; readonly source: BundleTarget }

function checkRelease(bundle: AgentBundle, move: MoveClaims, digest: string): Released | BundleRefusal {
  const release = parseAgentRelease(bundle.release)
  if (!release.ok) return refuse('release', release.demand)
  const { operatorId } = release
  const refusal = checkReleaseContent(release, { operatorId, did: move.did, event: digest, to: move.to })
  if (refusal !== undefined) return refuse('release', refusal.demand)
  const domain = parseDid(move.did)?.domain ?? ''
  const source = { issuer: bundle.issuer, operatorId, domain }
  const { foundingPublicKey, manifests } = bundle
  const chain = verifyManifestChain({ ...source, foundingPublicKey, manifests })
  if (!chain.ok) return refuse('operator', chain.demand)
  const unsigned = checkReleaseKey(release, listKeys(chain.inForce), release.iat)
  return unsigned === undefined ? { ok: true, release, source } : refuse('release', unsigned.demand)
}

function listKeys({ rootKeys, keys }: KeysInForce): readonly ReleasingKey[] {
  const roots = rootKeys.map(({ kid, jwk }) => ({ kid, jwk, ...ROOT }))
  return [...roots, ...keys.map((key) => ({ ...key, isRoot: false }))]
}

const ROOT = { isRoot: true, roles: [], nbf: 0, exp: Number.POSITIVE_INFINITY } as const

function refuse(part: BundleRefusal['part'], demand: string): BundleRefusal {
  return { ok: false, part, demand }
}
