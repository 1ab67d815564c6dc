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
    help: 'DID or id of the agent, or `self` for the agent of agent.json',
    more: 'the same as the argument AGENT',
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
  throw usageError(`${shown(given)} is neither a DID nor an id of an agent`, '`auth4agent agent list` shows both.')
}

/**
 * Returns the agent that a command line names. Throws CliError if it names none, because commands that cannot be
 * undone must not use the agent of agent.json by default.
 */
export async function namedAgent(choice: AgentChoice): Promise<string> {
  if (choice.arguments.length === 0 && choice.flags.text('agent') === undefined) {
    throw usageError(
      'AGENT is missing',
      'Give the DID or id of the agent: `auth4agent agent list` shows both. `self` means the agent of agent.json.',
    )
  }
  return chosenAgent(choice)
}

/**
 * Returns the DID of an agent. If `agent` is an id, it finds the DID in the operator's list of agents. Rejects with
 * CliError if no agent of the operator has this id.
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
    hint: '`auth4agent agent list` shows the agents of the operator.',
  })
}
