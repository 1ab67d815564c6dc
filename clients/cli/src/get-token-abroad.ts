import { createAgent, type IssuedToken } from '@auth4agent/sdk'
import { loadSigningAgent } from './agent-key.ts'
import { usageError } from './cli-error.ts'
import type { agentKeyFlag, serverFlags } from './common-flags.ts'
import type { Context } from './context.ts'
import { serverOf } from './parties.ts'
import { readScopes } from './scopes.ts'
import type { shared } from './shared-flags.ts'

type AbroadFlags = typeof serverFlags & typeof agentKeyFlag & { readonly scope: typeof shared.scope }

/**
 * Gets a token of another deployment for one of its APIs. Rejects with CliError or the SDK's Auth4AgentError.
 *
 * @param resource the address of the API, or of its metadata's resource
 */
export async function getTokenAbroad(
  context: Context<AbroadFlags>,
  resource: string,
): Promise<{ readonly did: string; readonly token: IssuedToken }> {
  const { flags, fetch, signal, progress } = context
  const { agent, key, store } = await loadSigningAgent(context)
  const scopes = readScopes(flags.list('scope'))
  const client = createAgent({ ...serverOf(agent, context), did: agent.did, key: store ?? key, fetch })
  const asked = client.issuedFor(resource, { scopes, signal }).catch((error: unknown) => {
    // The SDK throws TypeError for scopes that no server accepts, and for a text that is no URL.
    throw error instanceof TypeError ? usageError(error.message) : error
  })
  const token = await progress(`asking for a token for ${resource}`, asked).finally(() => client.close())
  return { did: agent.did, token }
}
