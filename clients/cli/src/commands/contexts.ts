import { readAgentConfig, readOperatorConfig } from '@auth4agent/sdk/node'
import { usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import type { Base } from '../context.ts'
import { checkContextName, contextFolder, contextNames, isThere, writeChoice } from '../contexts.ts'
import { unknownContext } from '../place.ts'
import { readServerConfig } from '../server-config.ts'
import { columns, lines } from '../text.ts'

/** `context list`: lists the contexts. */
export const listContexts = defineCommand({
  help: [
    'Lists the contexts. A context is a folder with its own agent.json, operator.json, server.json and keys. With contexts you can use several servers, operators or agents. `default` is the main folder; the other contexts are in its folder `contexts`. A star marks the context in use.',
  ],
  examples: [{ does: 'list all contexts', line: 'auth4agent context list' }],
  flags: {},
  folder: 'unused',
  async run(context) {
    const { root, context: current } = rootOf(context)
    const names = await contextNames(root)
    const found = await Promise.all(
      names.map(async (name) => ({ ...(await describe(root, name)), current: name === current })),
    )
    const rows = found.map(({ name, current, server_url = '', domain = '', did = '' }) => [
      current ? '*' : '',
      name,
      server_url,
      domain,
      did,
    ])
    context.answer(found, columns([['', 'CONTEXT', 'SERVER', 'OPERATOR', 'AGENT'], ...rows]), names)
  },
})

/** `context use`: chooses the context for later commands. */
export const useContext = defineCommand({
  help: [
    'Chooses the context that every command uses from now on, unless --context or AUTH4AGENT_CONTEXT names another. `auth4agent init --context NAME` creates a new context.',
  ],
  examples: [
    { does: 'use the context staging', line: 'auth4agent context use staging' },
    { does: 'use the main folder again', line: 'auth4agent context use default' },
  ],
  arguments: [{ name: 'CONTEXT', help: 'the name, as `auth4agent context list` shows it', required: true }],
  flags: {},
  folder: 'unused',
  async run(context) {
    const { root, chosenBy } = rootOf(context)
    const name = checkContextName(context.arguments[0] ?? '')
    if (!(await isThere(root, name))) throw await unknownContext(root, name)
    await writeChoice(root, name)
    const folder = contextFolder(root, name)
    context.answer({ name, folder }, `context in use: ${name}\n\n${lines({ folder })}`, name)
    if (chosenBy === 'environment') context.note('AUTH4AGENT_CONTEXT is set and takes precedence over this choice')
  },
})

/** `context show`: shows the context in use. */
export const showContext = defineCommand({
  help: [
    'Shows which context a command would use, what chose this context, and which server, operator, agent and administrator key it supplies.',
  ],
  examples: [
    { does: 'the context in use', line: 'auth4agent context show' },
    { does: 'another context', line: 'auth4agent context show --context staging' },
  ],
  flags: {},
  async run(context) {
    const { root, chosenBy, context: name } = rootOf(context)
    const found = await describe(root, name)
    const { server_url, domain, did, administrator_key, folder } = found
    const text = lines({
      context: name,
      'chosen by': chosenBy,
      folder,
      server: server_url,
      operator: domain,
      agent: did,
      'administrator key': administrator_key,
    })
    context.answer({ ...found, chosen_by: chosenBy }, text, name)
  },
})

/**
 * Returns the folder that contains the contexts, and the context in use. Throws CliError if --config names the folder,
 * because such a folder has no contexts.
 */
function rootOf({ place: { root, context, chosenBy } }: Base) {
  if (context !== undefined) return { root, context, chosenBy }
  throw usageError(
    '--config cannot be used here: it names a folder, not a context',
    'AUTH4AGENT_HOME names the folder that contains the contexts.',
  )
}

/** Describes a context. Omits a configuration file that cannot be read, because `auth4agent doctor` reports it. */
async function describe(root: string, name: string) {
  const folder = contextFolder(root, name)
  const [agent, operator] = await Promise.all([
    readAgentConfig(folder).catch(() => undefined),
    readOperatorConfig(folder).catch(() => undefined),
  ])
  const own = await readServerConfig(folder).catch(() => undefined)
  const server_url = agent?.server_url || operator?.server_url || own?.server_url || undefined
  const administrator_key = own?.administrator_key || undefined
  const [domain, did] = [operator?.domain || undefined, agent?.did || undefined]
  return {
    name,
    folder,
    ...(server_url && { server_url }),
    ...(domain && { domain }),
    ...(did && { did }),
    ...(administrator_key && { administrator_key }),
  }
}
