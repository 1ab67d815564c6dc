import { createAgent } from '@auth4agent/sdk'
import { loadSigningAgent } from '../agent-key.ts'
import { answerToken, tokenOutputFlag } from '../answer-token.ts'
import { usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { agentKeyFlag, serverFlags } from '../common-flags.ts'
import { readGrantFile } from '../grants/grant-file.ts'
import { grantArgument } from '../grants/inspect-chain.ts'
import { serverOf } from '../parties.ts'
import { readScopes } from '../scopes.ts'
import { shared } from '../shared-flags.ts'

/** `grant exchange`: gets an access token for a chain. */
export const exchangeGrant = defineCommand({
  help: [
    'Exchanges a chain of grants for an access token (RFC 8693), for an API that accepts no chains. The agent of agent.json must hold the last grant. The token names the first agent of the chain as its subject, and this agent as the actor.',
    "The token is bound to the agent's key (DPoP, RFC 9449): `auth4agent dpop-proof create` makes the proof for each request. It expires no later than the grant.",
  ],
  examples: [
    {
      does: 'everything that the chain allows at an API',
      line: 'auth4agent grant exchange chain.txt --aud https://api.example.com --output token',
    },
    {
      does: 'one scope',
      line: 'auth4agent grant exchange chain.txt --aud https://api.example.com --scope orders:read --output token',
    },
  ],
  arguments: [{ ...grantArgument, required: true }],
  flags: {
    ...serverFlags,
    ...agentKeyFlag,
    ...tokenOutputFlag,
    aud: {
      ...shared.aud,
      more: 'the token is for it, as the chain names it',
      required: true,
    },
    scope: { ...shared.scope, more: 'by default all that the chain allows there, also with constraints' },
  },
  async run(context) {
    const { flags, fetch, signal, progress } = context
    const named = flags.list('scope')
    const scopes = named.length === 0 ? undefined : readScopes(named)
    const grant = await readGrantFile(context)
    const { agent, key, store } = await loadSigningAgent(context)
    const choice = serverOf(agent, context)
    const client = createAgent({ ...choice, did: agent.did, key: store ?? key, grant, fetch })
    const asked = client.exchange({ audience: flags.list('aud'), scopes, signal }).catch((error: unknown) => {
      // The SDK throws TypeError for scopes or audiences that no server accepts.
      throw error instanceof TypeError ? usageError(error.message) : error
    })
    const token = await progress('exchanging', asked).finally(() => client.close())
    await answerToken(context, 'token issued', token, { actor: agent.did })
  },
})
