import { exportPrivateJwk } from '@auth4agent/sdk'
import { writeText } from '@auth4agent/sdk/node'
import { loadAgent } from '../agent-key.ts'
import { defineCommand } from '../command.ts'
import { agentKeyFlag } from '../common-flags.ts'
import { shared } from '../shared-flags.ts'
import { lines } from '../text.ts'

/** `agent-key export`: writes the private key of the agent as a JWK. */
export const exportAgentKey = defineCommand({
  help: [
    "Writes the agent's private key as a JWK (RFC 8037), for OAuth libraries that authenticate the agent with private_key_jwt: the MCP SDK, openid-client, oauth4webapi and others. Their client id is the agent's DID.",
    'Anyone with this file can act as the agent until its operator revokes the agent. The command creates a file that only you can read, and never replaces a file.',
  ],
  examples: [
    { does: 'into a file', line: 'auth4agent agent-key export --output agent.jwk' },
    { does: 'into a secret store', line: 'auth4agent agent-key export --output - | vault kv put secret/agent jwk=-' },
  ],
  flags: {
    ...agentKeyFlag,
    output: { ...shared.output, more: '- for standard output', required: true },
  },
  async run(context) {
    const { flags, stdout, note, answer } = context
    const { agent, key } = await loadAgent(context)
    const jwk = exportPrivateJwk(key)
    const [output, text] = [flags.required('output'), `${JSON.stringify(jwk)}\n`]
    if (output === '-') {
      note(`This is the private key of ${agent.did}: anyone who has it can act as the agent`)
      return stdout.write(text)
    }
    await writeText(output, text, { exclusive: true })
    const told = lines({ did: agent.did, kid: jwk.kid })
    answer({ output, did: agent.did, kid: jwk.kid }, `private key exported\n\n${told}\n\nwritten to ${output}`, output)
  },
})
