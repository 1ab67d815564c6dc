import type { AgentOptions } from '../agent.ts'
import { type Dpop, dpopOf } from '../dpop.ts'
import type { AgentGrantCalls, GivingCalls } from './agent-grant-calls.ts'
import type { HeldGrant } from './held-grant.ts'
import type { Delegator, Holder } from './holder.ts'
import type { PresentedGrant } from './presented-grant.ts'

/** What an agent sends to services: tokens, or its grant. */
export interface Presented {
  token: PresentedGrant['present']
  forget(token: string): void
  readonly dpop: Dpop | undefined
}

/** The grants of an agent. */
interface Grants extends AgentGrantCalls {
  /** The grant that the agent holds; undefined without the option `grant`. */
  readonly presented: Presented | undefined
  /** Adds a call proof to the call of a tool of an MCP server, if the token of the request is a chain. */
  proveCall(init: RequestInit | undefined, url: string, token: string): Promise<RequestInit | undefined>
  /** Forgets the chain and tokens for it, because the key of the agent was replaced or the agent was closed. */
  clear(): void
}

/** The grant of an agent whose code may not be loaded yet. */
interface HeldOnDemand extends HeldGrant {
  load(): Promise<PresentedGrant>
}

/** Prepares the grants of an agent. Loads their code on demand, because most agents have none. */
export function openGrants({
  grant,
  delegation,
  ...agent
}: Delegator & Pick<AgentOptions, 'grant' | 'delegation'>): Grants {
  if (delegation !== undefined && grant === undefined) throw new TypeError('delegation needs `grant`')
  const held = grant === undefined ? undefined : openHeld({ ...agent, grant, delegation })
  let loaded: GivingCalls | undefined
  const calls = async () => {
    agent.closing.throwIfAborted()
    const { createGrantCalls } = await import('./grant-calls.ts')
    loaded ??= createGrantCalls({ ...agent, held })
    return loaded
  }
  return {
    presented: held && {
      token: async (...how) => (await held.load()).present(...how),
      forget: (token) => held.forget(token),
      dpop: dpopOf(
        () => agent.keys.current(),
        () => agent.server.nowMs(),
      ),
    },
    async proveCall(init, url, token) {
      if (held === undefined) return init
      const { proveCall } = await import('./prove-call.ts')
      const nowS = agent.server.nowMs() / 1000
      return proveCall({ ...agent, signer: await agent.keys.current(), nowS }, { init, url, token })
    },
    clear: () => held?.clear(),
    requestGrant: async (options) => (await calls()).requestGrant(options),
    delegate: async (options) => (await calls()).delegate(options),
    async actForUser(idJag, options = {}) {
      const { actForUser } = await import('./act-for-user.ts')
      return actForUser(agent, idJag, options)
    },
    async exchange(options) {
      if (held === undefined) throw new TypeError('An exchange needs `grant`')
      return (await held.load()).exchange(options)
    },
  }
}

function openHeld(holder: Holder): HeldOnDemand {
  let loaded: PresentedGrant | undefined
  const load = async () => {
    const { createPresentedGrant } = await import('./presented-grant.ts')
    loaded ??= createPresentedGrant(holder)
    return loaded
  }
  return {
    load,
    current: async (signal) => (await load()).current(signal),
    forget: (text) => loaded?.forget(text),
    clear: () => loaded?.clear(),
  }
}
