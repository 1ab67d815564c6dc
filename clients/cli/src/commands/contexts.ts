import { readAgentConfig, readOperatorConfig } from '@auth4agent/sdk/node'
import { usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import type { Base } from '../context.ts'
import { checkContextName, contextFolder, contextNames, isThere, writeChoice } from '../contexts.ts'
import { unknownContext } from '../place.ts'
import { columns, lines } from '../text.ts'

/** Lists the contexts. */
export const listContexts = defineCommand({
  help: [
    'Lists the contexts: folders for several servers, operators or agents, each with its own agent.json, operator.json and keys. `default` is the folder itself, the others stand in `contexts` inside it. A star marks the one in use.',
  ],
  examples: [{ does: 'which ones are there?', line: 'auth4agent context list' }],
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

/** Chooses the context of the runs to come. */
export const useContext = defineCommand({
  help: [
    'Chooses the context that every command uses from now on, where neither --context nor AUTH4AGENT_CONTEXT names another. `auth4agent init --context NAME` makes a new one.',
  ],
  examples: [
    { does: 'another one', line: 'auth4agent context use staging' },
    { does: 'the folder itself again', line: 'auth4agent context use default' },
  ],
  arguments: [{ name: 'CONTEXT', help: 'its name, as `auth4agent context list` shows it', required: true }],
  flags: {},
  folder: 'unused',
  async run(context) {
    const { root, chosenBy } = rootOf(context)
    const name = checkContextName(context.arguments[0] ?? '')
    if (!(await isThere(root, name))) throw await unknownContext(root, name)
    await writeChoice(root, name)
    const folder = contextFolder(root, name)
    context.answer({ name, folder }, `context in use: ${name}\n\n${lines({ folder })}`, name)
    if (chosenBy === 'environment') context.note('AUTH4AGENT_CONTEXT is set, and still counts before this')
  },
})

/** Shows the context in use. */
export const showContext = defineCommand({
  help: ['Shows which context a command would use here, what has chosen it, and what is in it.'],
  examples: [
    { does: 'which one is it?', line: 'auth4agent context show' },
    { does: 'another one', line: 'auth4agent context show --context staging' },
  ],
  flags: {},
  async run(context) {
    const { root, chosenBy, context: name } = rootOf(context)
    const found = await describe(root, name)
    const { server_url, domain, did, folder } = found
    const text = lines({
      context: name,
      'chosen by': chosenBy,
      folder,
      server: server_url,
      operator: domain,
      agent: did,
    })
    context.answer({ ...found, chosen_by: chosenBy }, text, name)
  },
})

/** Contexts are of the tool's own folder. Throws CliError where --config names another. */
function rootOf({ place: { root, context, chosenBy } }: Base) {
  if (context !== undefined) return { root, context, chosenBy }
  throw usageError('--config names a folder, which is no context', 'AUTH4AGENT_HOME says where the contexts are.')
}

/** What a context is of; what cannot be read is left out, for `auth4agent doctor` to tell. */
async function describe(root: string, name: string) {
  const folder = contextFolder(root, name)
  const [agent, operator] = await Promise.all([
    readAgentConfig(folder).catch(() => undefined),
    readOperatorConfig(folder).catch(() => undefined),
  ])
  const server_url = agent?.server_url || operator?.server_url || undefined
  const [domain, did] = [operator?.domain || undefined, agent?.did || undefined]
  return { name, folder, ...(server_url && { server_url }), ...(domain && { domain }), ...(did && { did }) }
}
