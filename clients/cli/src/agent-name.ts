import { isUuid } from '@auth4agent/core/encoding/uuid'
import { parseDid } from '@auth4agent/core/identity/did'
import type { Operator } from '@auth4agent/sdk'
import { CliError, usageError } from './cli-error.ts'
import type { Base } from './context.ts'
import type { FlagReader } from './flags.ts'
import { shown } from './hidden.ts'
import { requireAgent } from './parties.ts'

/** The word for the agent of agent.json. */
const SELF = 'self'

/** The argument that names an agent, the same in every command. */
export const agentArgument = {
  name: 'AGENT',
  help: 'DID or id of the agent; `self`, or no argument, means the agent of agent.json',
}

/** The flag that replaces {@link agentArgument}. */
export const agentFlags = {
  agent: {
    kind: 'text',
    value: 'AGENT',
    help: 'the same as the argument AGENT',
    aliases: ['did', 'agent-id', 'id'],
  },
} as const

/** The parts of a command line that name its agent. */
export type AgentChoice = Pick<Base, 'arguments' | 'folder'> & { readonly flags: FlagReader<typeof agentFlags> }

/** Returns the agent that a command line names, as id or DID, or the agent of agent.json. Throws CliError. */
export async function chosenAgent({ arguments: [word], flags, folder }: AgentChoice): Promise<string> {
  const flag = flags.text('agent')
  if (word !== undefined && flag !== undefined)
    throw usageError('The agent is named twice', 'Leave out the argument or --agent.')
  const given = word ?? flag ?? SELF
  if (given === SELF) return (await requireAgent(folder)).did
  if (isUuid(given) || parseDid(given) !== undefined) return given
  throw usageError(`${shown(given)} is neither a DID nor an id of an agent`, '`auth4agent agents list` shows both.')
}

/** Returns the agent as {@link chosenAgent} does, but demands a name, for commands that cannot be undone. */
export async function namedAgent(choice: AgentChoice): Promise<string> {
  if (choice.arguments.length === 0 && choice.flags.text('agent') === undefined) {
    throw usageError(
      'AGENT is missing',
      'Give its DID or id: `auth4agent agents list` shows both. `self` means the agent of agent.json.',
    )
  }
  return chosenAgent(choice)
}

/**
 * Returns the DID of an agent that is named by DID or id. It looks an id up among the operator's agents. Rejects with
 * CliError if the operator has no such agent.
 */
export async function didOf(agent: string, openOperator: () => Promise<Operator>): Promise<string> {
  if (!isUuid(agent)) return agent
  const { agents } = await openOperator()
  for (const status of [undefined, 'pending'] as const) {
    for await (const { id, did } of agents.list({ status, pageSize: 200 })) if (id === agent) return did
  }
  throw new CliError(`The operator has no agent with the id ${agent}`, {
    reason: 'AGENT_NOT_FOUND',
    exit: 'refused',
    hint: '`auth4agent agents list` shows its agents.',
  })
}
