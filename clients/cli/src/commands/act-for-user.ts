import { createAgent } from '@auth4agent/sdk'
import { readText } from '@auth4agent/sdk/node'
import { loadSigningAgent } from '../agent-key.ts'
import { answerToken, tokenOutputFlag } from '../answer-token.ts'
import { configurationError, usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { agentKeyFlag, serverFlags } from '../common-flags.ts'
import { shown } from '../hidden.ts'
import { serverOf } from '../parties.ts'
import { readScopes } from '../scopes.ts'
import { shared } from '../shared-flags.ts'

/** `id-jag exchange`: gets a token for an ID-JAG of an identity provider. */
export const actForUser = defineCommand({
  help: [
    'Redeems an ID-JAG, with which an identity provider lets the agent of agent.json act for a user, for an access token. The token names the user as its subject, and this agent as the actor. It lives at most 5 minutes. Each ID-JAG can be redeemed once.',
    "The token is bound to the agent's key (DPoP, RFC 9449): `auth4agent dpop-proof create` makes the proof for each request.",
  ],
  examples: [
    { does: 'everything that the ID-JAG allows', line: 'auth4agent id-jag exchange id-jag.txt --output token' },
    {
      does: 'one scope',
      line: 'auth4agent id-jag exchange id-jag.txt --scope customers:read --output token',
    },
  ],
  arguments: [{ name: 'FILE', help: 'file of the ID-JAG, or - for standard input', required: true }],
  flags: {
    ...serverFlags,
    ...agentKeyFlag,
    ...tokenOutputFlag,
    aud: { ...shared.aud, more: 'the token is for it; by default for all of the ID-JAG' },
    scope: { ...shared.scope, more: 'of the token; by default all of the ID-JAG' },
  },
  async run(context) {
    const { flags, fetch, signal, progress } = context
    const [path = ''] = context.arguments
    const [named, audience] = [flags.list('scope'), flags.list('aud')]
    const text = path === '-' ? await context.readStdin() : await readText(path, { secret: false })
    if (text === undefined) {
      throw configurationError(`There is no file at ${shown(path)}`, 'Name the file of the ID-JAG.')
    }
    const { agent, key, store } = await loadSigningAgent(context)
    const client = createAgent({ ...serverOf(agent, context), did: agent.did, key: store ?? key, fetch })
    const wanted = {
      ...(audience.length > 0 && { audience }),
      ...(named.length > 0 && { scopes: readScopes(named) }),
      signal,
    }
    const asked = client.actForUser(text.trim(), wanted).catch((error: unknown) => {
      // The SDK throws TypeError for a text that is no ID-JAG, and for terms that no server accepts.
      throw error instanceof TypeError ? usageError(error.message) : error
    })
    const token = await progress('redeeming', asked).finally(() => client.close())
    await answerToken(context, 'token issued', token, { user: token.user, actor: agent.did })
  },
})
