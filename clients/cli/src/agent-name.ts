import { isUuid } from '@auth4agent/core/encoding/uuid'
import { parseDid } from '@auth4agent/core/identity/did'
import type { Operator } from '@auth4agent/sdk'
import { CliError, usageError } from './cli-error.ts'
import type { Base } from './context.ts'
import type { FlagReader } from './flags.ts'
import { shown } from './hidden.ts'
import { requireAgent } from './parties.ts'

/** Names the agent of agent.json. */
const SELF = 'self'

/** The word by which every command takes an agent. */
export const agentArgument = {
  name: 'AGENT',
  help: "the agent's DID or id; `self`, and no word, mean that of agent.json",
}

/** The flag that says the same as {@link agentArgument}. */
export const agentFlags = {
  agent: {
    kind: 'text',
    value: 'AGENT',
    help: 'the same as the word AGENT',
    aliases: ['did', 'agent-id', 'id'],
  },
} as const

/** What of a command names its agent. */
export type AgentChoice = Pick<Base, 'arguments' | 'folder'> & { readonly flags: FlagReader<typeof agentFlags> }

/** The agent that a command line names, as id or DID, else that of agent.json. Throws CliError. */
export async function chosenAgent({ arguments: [word], flags, folder }: AgentChoice): Promise<string> {
  const flag = flags.text('agent')
  if (word !== undefined && flag !== undefined)
    throw usageError('the agent is named twice', 'Leave out the word or --agent.')
  const given = word ?? flag ?? SELF
  if (given === SELF) return (await requireAgent(folder)).did
  if (isUuid(given) || parseDid(given) !== undefined) return given
  throw usageError(`${shown(given)} is neither an id nor a DID of an agent`, '`auth4agent agents list` shows both.')
}

/** As {@link chosenAgent}, for what cannot be taken back: it has to be named. */
export async function namedAgent(choice: AgentChoice): Promise<string> {
  if (choice.arguments.length === 0 && choice.flags.text('agent') === undefined) {
    throw usageError(
      'missing: AGENT',
      'Its DID or id: `auth4agent agents list` shows both. `self` is that of agent.json.',
    )
  }
  return chosenAgent(choice)
}

/**
 * The DID of an agent that is named by id or DID; ids are looked up among the operator's agents. Rejects with
 * CliError.
 */
export async function didOf(agent: string, openOperator: () => Promise<Operator>): Promise<string> {
  if (!isUuid(agent)) return agent
  const { agents } = await openOperator()
  for (const status of [undefined, 'pending'] as const) {
    for await (const { id, did } of agents.list({ status, pageSize: 200 })) if (id === agent) return did
  }
  throw new CliError(`the operator has no agent with the id ${agent}`, {
    reason: 'AGENT_NOT_FOUND',
    exit: 'refused',
    hint: '`auth4agent agents list` shows them.',
  })
}
