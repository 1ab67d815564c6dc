import type { GrantUse } from '../agent.ts'
import type { AgentKeys } from '../key-events/agent-keys.ts'
import type { Runtime } from '../runtime.ts'
import type { Server } from '../server.ts'

/** An agent, as far as its grants need it. */
export interface Delegator {
  readonly server: Server
  readonly did: string
  readonly keys: AgentKeys
  readonly runtime: Runtime
  /** Used instead of the platform's fetch. */
  readonly fetch: typeof globalThis.fetch | undefined
  /** Stops all work. */
  readonly closing: AbortSignal
}

/** An agent that has the option `grant`. */
export interface Holder extends Delegator {
  readonly grant: string | (() => Promise<string>)
  readonly delegation: GrantUse | undefined
}
