import { readAgentConfig, readOperatorConfig, updateAgentConfig, updateOperatorConfig } from '@auth4agent/sdk/node'
import { configurationError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { checkServer } from '../server-address.ts'

/** `set-server`: changes the server in the configurations of the folder. */
export const setServer = defineCommand({
  help: [
    'Changes the address of the server in agent.json and operator.json. An operator id is valid on one server only, so register again if the address belongs to another server.',
  ],
  examples: [
    { does: 'the server has a new address', line: 'auth4agent set-server --url https://auth.example.com' },
    {
      does: 'the address differs from the issuer',
      line: 'auth4agent set-server --url http://127.0.0.1:8080 --issuer http://localhost:8080',
    },
  ],
  flags: {
    url: { kind: 'text', value: 'URL', help: "the server's address", required: true },
    issuer: { kind: 'text', value: 'ISSUER', help: "the server's issuer, if it differs from its address" },
  },
  async run({ flags, folder, answer }) {
    const server_url = checkServer(flags.required('url'))
    const agent = await readAgentConfig(folder)
    const operator = await readOperatorConfig(folder)
    if (agent === undefined && operator === undefined) {
      throw configurationError(
        `The folder ${folder} contains neither an agent nor an operator`,
        'Create an agent: `auth4agent init --domain DOMAIN --server URL`',
      )
    }
    const issuer = flags.text('issuer') ?? ''
    const changes = (before: string | undefined) => ({ server_url, ...((issuer !== '' || before) && { issuer }) })
    if (agent !== undefined) await updateAgentConfig(folder, changes(agent.issuer))
    if (operator !== undefined) await updateOperatorConfig(folder, changes(operator.issuer))
    const updated = [...(agent ? ['agent'] : []), ...(operator ? ['operator'] : [])]
    answer(
      { server_url, ...(issuer !== '' && { issuer }), updated },
      `Server URL updated to: ${server_url}`,
      server_url,
    )
  },
})
