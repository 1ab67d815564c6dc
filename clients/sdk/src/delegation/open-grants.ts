import type { TokenOptions } from '../agent.ts'
import { type Dpop, dpopOf } from '../dpop.ts'
import type { AgentKeys } from '../key-events/agent-keys.ts'
import type { Runtime } from '../runtime.ts'
import type { Server } from '../server.ts'
import type { AgentGrantCalls } from './agent-grant-calls.ts'
import type { HeldGrant } from './held-grant.ts'

/** The agent, and the option `grant`. */
interface GrantsOptions {
  readonly grant: string | (() => Promise<string>) | undefined
  readonly server: Server
  readonly did: string
  readonly keys: AgentKeys
  readonly runtime: Runtime
  /** Stops all work. */
  readonly closing: AbortSignal
}

/** What an agent sends to services: tokens, or a chain of grants. */
interface Presented {
  token(options: TokenOptions): Promise<string>
  forget(token: string): void
  readonly dpop: Dpop | undefined
}

/** The grants of an agent. */
interface Grants extends AgentGrantCalls {
  /** The chain that the agent holds; undefined without the option `grant`. */
  readonly presented: Presented | undefined
  /** Adds a call proof to the call of a tool of an MCP server, if the token of the request is a chain. */
  proveCall(init: RequestInit | undefined, url: string, token: string): Promise<RequestInit | undefined>
  /** Forgets the chain, because the key of the agent was replaced or the agent was closed. */
  clear(): void
}

/** Prepares the grants of an agent. Loads their code on demand, because most agents have none. */
export function openGrants({ grant, ...agent }: GrantsOptions): Grants {
  const held = grant === undefined ? undefined : openHeld(grant, agent)
  let loaded: AgentGrantCalls | undefined
  const calls = async () => {
    agent.closing.throwIfAborted()
    const { createGrantCalls } = await import('./grant-calls.ts')
    loaded ??= createGrantCalls({ ...agent, held })
    return loaded
  }
  return {
    presented: held && {
      async token({ signal, ...terms }) {
        if (Object.values(terms).some((term) => term !== undefined))
          throw new TypeError('A grant has fixed terms, so scopes, audience and ttl must be left out')
        return (await held.current(signal)).token
      },
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
  }
}

function openHeld(grant: string | (() => Promise<string>), agent: Omit<GrantsOptions, 'grant'>): HeldGrant {
  let loaded: HeldGrant | undefined
  return {
    async current(signal) {
      const { createHeldGrant } = await import('./held-grant.ts')
      loaded ??= createHeldGrant({ ...agent, grant })
      return loaded.current(signal)
    },
    forget: (chain) => loaded?.forget(chain),
    clear: () => loaded?.clear(),
  }
}
