import { openCalls } from '@auth4agent/sdk'
import { type AgentConfig, type OperatorConfig, readAgentConfig, readOperatorConfig } from '@auth4agent/sdk/node'
import { configurationError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { keysText } from '../key-log-text.ts'
import { checkConfigured } from '../server-address.ts'
import { lines } from '../text.ts'

/** `whoami`: shows the agent and operator of the folder. */
export const whoami = defineCommand({
  help: [
    'Shows the agent of agent.json, or the operator of operator.json if there is no agent. --verbose and --json show both. It asks the server only with --keys, which shows the age of the identity key, added keys and a recovery that waits.',
  ],
  examples: [
    { does: 'show the agent or operator', line: 'auth4agent whoami' },
    { does: "print only the agent's DID", line: 'auth4agent whoami --quiet' },
  ],
  flags: {
    keys: { kind: 'boolean', help: "also show the agent's keys, as `auth4agent agent-key list` does" },
    verbose: {
      kind: 'boolean',
      help: 'show both agent and operator, with their public keys and the paths of their key files',
    },
  },
  async run({ flags, folder, answer, fetch, now }) {
    const agent = await readAgentConfig(folder)
    const operator = await readOperatorConfig(folder)
    const isAgent = agent !== undefined && agent.did !== ''
    if (!isAgent && operator === undefined) {
      throw configurationError(
        `The folder ${folder} contains neither an agent nor an operator`,
        'Create an agent: `auth4agent init --domain DOMAIN`',
      )
    }
    const json = {
      ...(isAgent ? { mode: 'agent', ...ofAgent(agent) } : { mode: 'operator', ...(operator && ofOperator(operator)) }),
      ...(isAgent && operator !== undefined && { operator: ofOperator(operator) }),
      folder,
    }
    const [verbose, parts] = [flags.on('verbose'), []]
    const shown: string[] = parts
    if (isAgent) shown.push(agentText(agent, verbose))
    const log =
      isAgent && flags.on('keys')
        ? await openCalls({ server: checkConfigured(agent.server_url, folder), fetch }).keyEvents(agent.did)
        : undefined
    if (log !== undefined) shown.push(keysText(log, now() / 1000))
    if (operator !== undefined && (verbose || !isAgent)) shown.push(operatorText(operator, verbose))
    const name = isAgent ? agent.did : ((operator?.id || operator?.domain) ?? '')
    const keys = log && { kid: log.kid, next: log.next, seq: log.state?.seq, pending: log.pending }
    answer({ ...json, ...(keys && { keys }) }, [...shown, ...(verbose ? [`Folder: ${folder}`] : [])].join('\n\n'), [
      name,
    ])
  },
})

function ofAgent({ did, operator_id, server_url, public_key }: AgentConfig) {
  return { did, operator_id, server_url, public_key }
}

function ofOperator({ id, domain, server_url, root_public_key, domain_verified_at }: OperatorConfig) {
  return { id, domain, server_url, root_public_key, domain_verified_at }
}

function agentText({ did, operator_id, server_url, key, public_key }: AgentConfig, verbose: boolean): string {
  const more = verbose ? { 'Public key': public_key, Key: key.ref } : {}
  return lines({ Mode: 'Agent', DID: did, Operator: operator_id, Server: server_url, ...more })
}

function operatorText(config: OperatorConfig, verbose: boolean): string {
  const { id, domain, domain_verified_at, server_url, key, root_public_key } = config
  const more = verbose ? { 'Public key': root_public_key, Key: key.ref } : {}
  const rest = { Domain: domain, Verified: domain_verified_at || 'no', Server: server_url, ...more }
  return lines({ Mode: 'Operator', ID: id || 'not registered', ...rest })
}
