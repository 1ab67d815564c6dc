import { parseLongDuration } from '@auth4agent/core/encoding/duration'
import { parseDid } from '@auth4agent/core/identity/did'
import { signerKid } from '@auth4agent/core/jose/signer-jwk'
import type { KeyChange } from '@auth4agent/core/key-events/sign-key-event'
import { refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { readAnswer } from '../answers.ts'
import { Auth4AgentError } from '../errors.ts'
import { type KeyLike, toSigner } from '../keys/signers.ts'
import type { Signer } from '../signer.ts'
import { type AddKeyOptions, type AgentKeyCalls, KEY_CALL_NAMES, type MoveOptions } from './agent-key-calls.ts'
import * as answers from './key-answers.ts'
import { appendChange, expectEd25519, identityKey, type LogOwner, proving, readLog, withLog } from './key-changes.ts'
import type { KeyLog } from './key-log.ts'
import { rotateGivenKey, rotateStoredKey } from './rotate-key.ts'
import { signObjection } from './sign-objection.ts'

/** Makes the calls for the log of an agent's keys. */
export function createKeyCalls(owner: LogOwner): AgentKeyCalls {
  const { store } = owner.keys
  const stoppedBy = ({ signal }: { readonly signal?: AbortSignal | undefined }): LogOwner => {
    owner.signal.throwIfAborted()
    signal?.throwIfAborted()
    return signal === undefined ? owner : { ...owner, signal: AbortSignal.any([owner.signal, signal]) }
  }
  return {
    async rotateKey(options = {}) {
      expectNames(options, 'rotateKey')
      const [from, keys] = [stoppedBy(options), options]
      const rotated = await (store === undefined ? rotateGivenKey(from, keys) : rotateStoredKey(from, store, keys))
      if (rotated === undefined) throw new Error('A rotation that is always due must have taken place')
      return rotated
    },
    async addKey(options) {
      expectNames(options, 'addKey')
      return addKey(stoppedBy(options), options)
    },
    async removeKey(kid, options = {}) {
      expectNames(options, 'others')
      const from = stoppedBy(options)
      return withLog(from, (log) => appendChange(from, log, { type: 'remove-key', kid }))
    },
    async keyEvents(options = {}) {
      expectNames(options, 'others')
      return readLog(stoppedBy(options))
    },
    async objectToRecovery(options = {}) {
      expectNames(options, 'others')
      return objectToRecovery(stoppedBy(options))
    },
    async move(options) {
      expectNames(options, 'move')
      return move(stoppedBy(options), options)
    },
    async deactivate(options = {}) {
      expectNames(options, 'deactivate')
      return appendEndOfDid(stoppedBy(options), { type: 'deactivate' }, options.key)
    },
  }
}

function expectNames(options: object, call: keyof typeof KEY_CALL_NAMES): void {
  refuseUnknownNames('option', options, KEY_CALL_NAMES[call])
}

async function move(owner: LogOwner, { to: domain, operatorId, issuer = owner.server.issuer, key }: MoveOptions) {
  const to = owner.did.replace(/^(did:agent:)[^:]*/, `$1${domain}`)
  if (parseDid(to)?.domain !== domain) throw new TypeError('to must be a domain in lower case and A-labels')
  const change = { type: 'move', to, operatorId, issuer } as const
  const { digest, effective_at: at } = await appendEndOfDid(owner, change, key)
  return { to, digest, effectiveAt: at ? new Date(at) : undefined }
}

/** Appends an event that ends the DID, with the proof of the key to which the agent committed. */
function appendEndOfDid(
  owner: LogOwner,
  change: Extract<KeyChange, { readonly type: 'deactivate' | 'move' }>,
  given: KeyLike | undefined,
): Promise<answers.AppendedKeyEvent> {
  return withLog(owner, async (log) => {
    const key = await committedKey(owner, log, given)
    return appendChange(owner, log, { ...change, key: key && proving(key) })
  })
}

async function addKey(owner: LogOwner, { key, label, expires }: AddKeyOptions) {
  const signer = await toSigner(key)
  const exp = expiryS(expires, owner.server.nowMs() / 1000)
  const kid = signerKid(signer)
  const change = { type: 'add-key', key: proving(signer), label, exp } as const
  const { seq } = await withLog(owner, (log) => appendChange(owner, log, change))
  return { kid, expiresAt: new Date(exp * 1000), seq }
}

/** Returns an expiry in Unix seconds. Throws TypeError for text that is no duration, and for an invalid time. */
function expiryS(expires: Date | string, nowS: number): number {
  const durationS = typeof expires === 'string' ? parseLongDuration(expires) : undefined
  const atS = typeof expires === 'string' ? nowS + (durationS ?? Number.NaN) : expires.getTime() / 1000
  if (Number.isNaN(atS)) throw new TypeError('expires must be a Date, or a duration such as 90d')
  return Math.floor(atS)
}

/** Ends the recovery that waits. */
async function objectToRecovery(owner: LogOwner): Promise<answers.EndedRecovery> {
  const { server, did, signal } = owner
  const log = await readLog(owner)
  const waiting = log.pending.find(({ type }) => type === 'recover')
  if (waiting === undefined)
    throw new Auth4AgentError('No recovery of this agent waits', { reason: 'NOTHING_PENDING', status: 0 })
  const signer = await identityKey(owner, log)
  const objection = await signObjection(signer, { did, event: waiting.digest, nowS: server.nowMs() / 1000 })
  const call = { method: 'POST', path: `/v1/agent/${did}/objections`, body: { objection }, signal }
  return readAnswer(answers.objected, await server.transport(call))
}

/**
 * Returns the key to which the agent committed: the given one, or one of the store. Undefined without a commitment.
 */
async function committedKey(
  { keys }: LogOwner,
  { next: kid }: KeyLog,
  given: KeyLike | undefined,
): Promise<Signer | undefined> {
  if (given !== undefined) return expectEd25519(await toSigner(given))
  if (kid === undefined || keys.store === undefined) return undefined
  const { next, pending } = await keys.store.read()
  return [next, pending].find((key) => key !== undefined && signerKid(key) === kid)
}
