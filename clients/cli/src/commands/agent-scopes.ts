import { openCalls } from '@auth4agent/sdk'
import { agentArgument, agentFlags, chosenAgent, didOf } from '../agent-name.ts'
import { defineCommand } from '../command.ts'
import { operatorFlags } from '../common-flags.ts'
import { chooseServer, openOperator } from '../parties.ts'
import { readScopes } from '../scopes.ts'
import { shared } from '../shared-flags.ts'
import { lines, plain } from '../text.ts'

/** `scope set`: replaces an agent's grant. */
export const setScopes = defineCommand({
  help: [
    'Replaces the grant of an agent: the scopes that it may ask for. It also approves a pending agent. If the new grant lacks a scope of the old grant, all tokens of the agent end. Only the operator of the agent can do this.',
  ],
  examples: [
    { does: 'for the agent of agent.json', line: 'auth4agent scope set --scope orders:read,orders:write' },
    {
      does: 'for another agent',
      line: 'auth4agent scope set --scope orders:read did:agent:example.com:21fe31dfa154a261626bf854046fd227',
    },
    { does: 'remove all scopes', line: 'auth4agent scope set --scope none' },
  ],
  arguments: [agentArgument],
  flags: {
    ...operatorFlags,
    ...agentFlags,
    scope: { ...shared.scope, more: '`none` removes all', required: true },
  },
  async run(context) {
    const given = readScopes(context.flags.list('scope'))
    const scopes = given.length === 1 && given[0] === 'none' ? [] : given
    const agent = await chosenAgent(context)
    const operator = await openOperator(context)
    const granted = await context.progress('setting scopes', operator.agents.setScopes(agent, scopes))
    const told = { agent: agent, scopes: granted.allowed_scopes.join(' ') || 'none' }
    context.answer(granted, `scopes set\n\n${lines(told)}`, granted.allowed_scopes)
  },
})

/** `scope list`: lists an agent's grant. */
export const listScopes = defineCommand({
  help: [
    'Lists the scopes that an agent may ask for. Everyone can list them with the DID of the agent. With its id, only the operator of the agent can.',
  ],
  examples: [{ does: 'for the agent of agent.json', line: 'auth4agent scope list' }],
  arguments: [agentArgument],
  flags: { ...operatorFlags, ...agentFlags },
  async run(context) {
    const did = await didOf(await chosenAgent(context), () => openOperator(context))
    const { server } = await chooseServer(context)
    const agent = await context.progress('asking the server', openCalls({ server, fetch: context.fetch }).getAgent(did))
    const scopes = agent.allowed_scopes ?? []
    const rows = scopes.length === 0 ? ['  (none)'] : scopes.map((scope) => `  - ${plain(scope)}`)
    context.answer({ did, allowed_scopes: scopes }, [`Allowed scopes for ${did}:`, ...rows].join('\n'), scopes)
  },
})
