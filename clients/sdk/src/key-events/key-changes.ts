import { signerJwk, signerKid } from '@auth4agent/core/jose/signer-jwk'
import { type KeyChange, type KeySigner, signKeyEvent } from '@auth4agent/core/key-events/sign-key-event'
import { Auth4AgentError, clientError } from '../errors.ts'
import { type KeyLike, toSigner } from '../keys/signers.ts'
import type { Runtime } from '../runtime.ts'
import type { Server } from '../server.ts'
import type { AgentSigner, Signer } from '../signer.ts'
import type { AgentKeys } from './agent-keys.ts'
import { appendEvent, expectApplicable } from './append-event.ts'
import type * as answers from './key-answers.ts'
import { endOf, type KeyLog, readKeyLog } from './key-log.ts'
import type { SeenEnd } from './log-verifier.ts'

/** The agent whose log changes. */
export interface LogOwner {
  readonly server: Server
  readonly runtime: Runtime
  readonly did: string
  readonly keys: AgentKeys
  /** Stops all calls. */
  readonly signal: AbortSignal
}

/** The most attempts to append an event while other programs append events to the same log. */
const MAX_ATTEMPTS = 3
/** A difference between the time in an event and the server's time that explains why the server refused the event. */
const WRONG_CLOCK_S = 60

/** The ends of logs that this process has verified. A server that later shows another log is refused. */
const seenEnds = new WeakMap<AgentKeys, SeenEnd>()

/** Reads the agent's log. */
export async function readLog({ server, did, keys, signal }: LogOwner): Promise<KeyLog> {
  const log = await readKeyLog(server.transport, { did, seen: seenEnds.get(keys), signal })
  if (log.state !== undefined) seenEnds.set(keys, log.state)
  return log
}

/** Reads the log and works with it. Begins again if another event has come into the log in the meantime. */
export async function withLog<T>(owner: LogOwner, work: (log: KeyLog) => Promise<T>): Promise<T> {
  for (let attempts = 1; ; attempts += 1) {
    const log = await readLog(owner)
    try {
      return await work(log)
    } catch (error) {
      if (attempts === MAX_ATTEMPTS || !isRefusal(error, 'KEY_EVENT_CONFLICT')) throw error
    }
  }
}

/**
 * Signs a change with the agent's key, checks it against the log, and sends it. Signs it again with the server's time
 * if this machine's clock was wrong.
 */
export async function appendChange(owner: LogOwner, log: KeyLog, change: KeyChange): Promise<answers.AppendedKeyEvent> {
  const { server, runtime, did, signal } = owner
  expectStill(log)
  const signer = await identityKey(owner, log)
  const attempt = async (nowS: number) => {
    const event = await signKeyEvent(signer, endOf(log), change, nowS)
    expectApplicable(log.state, event)
    return appendEvent(server, runtime, { did, event, signal })
  }
  const signedAtS = server.nowMs() / 1000
  try {
    return await attempt(signedAtS)
  } catch (error) {
    // The clock of this machine decides only until the first answer to POST.
    const nowS = server.nowMs() / 1000
    const isLate = isRefusal(error, 'INVALID_KEY_EVENT') && Math.abs(nowS - signedAtS) > WRONG_CLOCK_S
    if (!isLate) throw error
    return attempt(nowS)
  }
}

/** Throws AGENT_MOVED, as the server does, if the log ends with the move that leaves its DID. */
function expectStill({ did, state }: KeyLog): void {
  if (state === undefined || state.did === did) return
  throw new Auth4AgentError(`The agent has moved to ${state.did}`, { reason: 'AGENT_MOVED', status: 0 })
}

/**
 * Returns the agent's current key if it is the identity key of the log. Only this key can change the log. Throws
 * WRONG_KEY, and TypeError for a key of P-256.
 */
export async function identityKey({ keys }: LogOwner, log: KeyLog): Promise<Signer> {
  const signer = expectEd25519(await keys.current())
  if (log.kid !== signerKid(signer))
    throw clientError('WRONG_KEY', `The key of this agent is not its identity key, which is ${log.kid}`)
  return signer
}

/** Throws TypeError for a key that cannot be an identity key. */
export function expectEd25519(signer: AgentSigner): Signer {
  if (signer.alg === 'ES256') throw new TypeError('The identity key of an agent must be of Ed25519')
  return signer
}

/** Makes a key ready to prove itself in an event. */
export function proving(signer: AgentSigner): KeySigner {
  return { alg: signer.alg ?? 'EdDSA', jwk: signerJwk(signer), sign: (message) => signer.sign(message) }
}

/** Returns the thumbprint of the key to which an event commits. `next` is the key or its thumbprint. */
export async function committedKid(next: KeyLike | string): Promise<string> {
  return typeof next === 'string' ? next : signerKid(expectEd25519(await toSigner(next)))
}

/** Tells whether an error is the server's, with this reason. */
export function isRefusal(error: unknown, reason: string): boolean {
  return error instanceof Auth4AgentError && error.reason === reason
}
