import { openCalls } from '@auth4agent/sdk'
import { usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { operatorFlags, serverFlags } from '../common-flags.ts'
import { agentName, chooseServer, openOperator, requireAgent } from '../parties.ts'
import { indented, plain } from '../text.ts'

const didFlag = { did: { kind: 'text', value: 'DID', help: 'another agent than that of agent.json' } } as const

/** Replaces an agent's grant. */
export const setScopes = defineCommand({
  help: [
    'Replaces the scopes that an agent may ask for, as its operator, and approves it when it is pending. A narrower grant ends its tokens.',
  ],
  examples: [
    { does: 'the agent of agent.json', line: 'auth4agent agent-scopes set --scopes orders:read,orders:write' },
    {
      does: 'another one',
      line: 'auth4agent agent-scopes set --scopes orders:read --did did:agent:example.com:21fe31dfa154a261626bf854046fd227',
    },
    { does: 'nothing any more', line: 'auth4agent agent-scopes set --scopes none' },
  ],
  flags: {
    ...operatorFlags,
    ...didFlag,
    scopes: { kind: 'list', value: 'SCOPES', help: 'comma-separated; `none` for no scope', required: true },
  },
  async run(context) {
    const { flags, folder } = context
    const given = flags.list('scopes').flatMap((text) => text.split(','))
    const scopes = given.length === 1 && given[0] === 'none' ? [] : given
    if (scopes.some((scope) => scope === '' || /\s/.test(scope)))
      throw usageError('--scopes is comma-separated, without spaces')
    const did = agentName(flags.text('did') ?? (await requireAgent(folder)).did)
    const operator = await openOperator(context)
    const granted = await context.progress('setting scopes', operator.agents.setScopes(did, scopes))
    context.answer(granted, indented(granted))
  },
})

/** Lists an agent's grant. */
export const listScopes = defineCommand({
  help: ['Lists the scopes that an agent may ask for. Anybody who knows a DID may ask.'],
  examples: [{ does: 'the agent of agent.json', line: 'auth4agent agent-scopes list' }],
  flags: { ...serverFlags, ...didFlag },
  async run(context) {
    const did = agentName(context.flags.text('did') ?? (await requireAgent(context.folder)).did)
    const { server } = await chooseServer(context)
    const agent = await context.progress('asking the server', openCalls({ server, fetch: context.fetch }).getAgent(did))
    const scopes = agent.allowed_scopes ?? []
    const rows = scopes.length === 0 ? ['  (none)'] : scopes.map((scope) => `  - ${plain(scope)}`)
    context.answer({ did, allowed_scopes: scopes }, [`Allowed scopes for ${did}:`, ...rows].join('\n'))
  },
})
