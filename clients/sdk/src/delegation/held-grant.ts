import type { Hop } from '@auth4agent/core/delegation/grant-types'
import { readUnverifiedChain } from '@auth4agent/core/delegation/sign-grant'
import { signerKid } from '@auth4agent/core/jose/signer-jwk'
import { clientError } from '../errors.ts'
import type { AgentKeys } from '../key-events/agent-keys.ts'
import type { Runtime } from '../runtime.ts'
import type { Server } from '../server.ts'
import { TokenSource } from '../token-source.ts'
import { refusedGrant } from './refused-grant.ts'

/** The chain of grants that an agent holds. */
export interface HeldChain {
  /** The text of the chain. */
  readonly token: string
  /** Its last grant, which is the agent's own. */
  readonly leaf: Hop
}

/** The chain that an agent uses now. */
export interface HeldGrant {
  /** Resolves with the chain. Rejects with GRANT_NOT_HELD, GRANT_EXPIRED, or the reason why the chain is malformed. */
  current(signal?: AbortSignal): Promise<HeldChain>
  /** Forgets a chain that a service did not accept. The option that is a function is then called again. */
  forget(chain: string): void
  clear(): void
}

/** The agent, and where its chain comes from. */
interface Holding {
  readonly grant: string | (() => Promise<string>)
  readonly server: Server
  readonly did: string
  readonly keys: AgentKeys
  readonly runtime: Runtime
  readonly closing: AbortSignal
}

/** Keeps the chain of an agent. A chain that comes from a function is renewed ahead of its expiry, as a token is. */
export function createHeldGrant({ grant, server, did, keys, runtime, closing }: Holding): HeldGrant {
  const nowS = () => server.nowMs() / 1000
  const usable = async (held: HeldChain) => {
    expectHeld(held.leaf, did, signerKid(await keys.current()))
    if (held.leaf.exp <= nowS())
      throw refusedGrant({ ok: false, reason: 'GRANT_EXPIRED', rule: `the time must be before ${held.leaf.exp}` })
    return held
  }
  if (typeof grant === 'string') {
    let read: Promise<HeldChain> | undefined
    const current = async () => {
      closing.throwIfAborted()
      return usable(await (read ??= readHeld(grant, server.issuer)))
    }
    return { current, forget: () => undefined, clear: () => undefined }
  }
  const request = async () => {
    const held = await usable(await readHeld(await grant(), server.issuer))
    return { ...held, lifetimeS: held.leaf.exp - nowS() }
  }
  const source = new TokenSource(request, runtime, closing)
  return {
    current: async (signal) => usable(await source.get(signal)),
    forget: (chain) => source.forget(chain),
    clear: () => source.clear(),
  }
}

/** Reads a chain, without its signatures. Rejects with the reason why it is malformed. */
export async function readHeld(text: string, issuer: string): Promise<HeldChain> {
  const read = await readUnverifiedChain(text.trim(), issuer)
  if (!read.ok) throw refusedGrant(read)
  const leaf = read.chain.hops.at(-1)
  // Never happens: a chain that is not refused has a grant.
  if (leaf === undefined) throw new RangeError('A chain must have a grant')
  return { token: text.trim(), leaf }
}

function expectHeld(leaf: Hop, did: string, kid: string): void {
  if (leaf.did !== did) throw clientError('GRANT_NOT_HELD', `The grant is for the agent ${leaf.did}, not ${did}`)
  if (leaf.jkt !== kid)
    throw clientError(
      'GRANT_NOT_HELD',
      `The grant is for the key ${leaf.jkt}, but the agent has the key ${kid}: ask for a new grant`,
    )
}
