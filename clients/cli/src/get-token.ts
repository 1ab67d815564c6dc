import { authenticate, type IssuedToken } from '@auth4agent/sdk'
import { loadSigningAgent } from './agent-key.ts'
import { usageError } from './cli-error.ts'
import { agentKeyFlag, serverFlags } from './common-flags.ts'
import type { Context } from './context.ts'
import { serverOf } from './parties.ts'
import { readScopes } from './scopes.ts'
import { shared } from './shared-flags.ts'

/** Flags for the content of a token, for the server, and for the key of the agent. */
export const tokenFlags = {
  ...serverFlags,
  scope: { ...shared.scope, more: "the agent's grant must contain them", required: true },
  aud: {
    ...shared.aud,
    more: 'the token is for it',
    required: true,
  },
  ttl: {
    ...shared.ttl,
    more: 'the server sets the default',
  },
  ...agentKeyFlag,
} as const

/** Returns the terms of the token that the flags describe. Throws CliError if --scope names no scope. */
export function termsOf({ flags }: Pick<Context<typeof tokenFlags>, 'flags'>) {
  return { scopes: readScopes(flags.list('scope')), audience: flags.list('aud'), ttl: flags.text('ttl') }
}

/** A token that is bound to the agent's key, and the agent that may exchange it. */
export interface Binding {
  readonly mayAct?: string | undefined
}

/**
 * Gets a token for the agent of the folder. With `binding`, the token is bound to the agent's key. Rejects with
 * CliError or the SDK's Auth4AgentError.
 */
export async function getToken(
  context: Context<typeof tokenFlags>,
  binding?: Binding,
): Promise<{ readonly did: string; readonly token: IssuedToken }> {
  const { fetch, signal, progress } = context
  const { agent, key, store } = await loadSigningAgent(context)
  const choice = serverOf(agent, context)
  const terms = termsOf(context)
  const bound = binding && { ...binding, dpop: key }
  const asked = authenticate({ ...choice, did: agent.did, key: store ?? key, ...bound, fetch, signal, ...terms }).catch(
    (error: unknown) => {
      // The SDK throws TypeError for scopes, audiences or lifetimes that no server accepts.
      throw error instanceof TypeError ? usageError(error.message) : error
    },
  )
  return { did: agent.did, token: await progress(`asking ${choice.server} for a token`, asked) }
}
