import type { AgentFilter, AgentRecord, Operator } from '@auth4agent/sdk'
import { agentArgument, agentFlags, chosenAgent } from '../agent-name.ts'
import { usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { operatorFlags } from '../common-flags.ts'
import { openOperator } from '../parties.ts'
import { shared } from '../shared-flags.ts'
import { columns, lines, plain } from '../text.ts'

const STATUSES = ['pending', 'active', 'suspended', 'revoked'] as const
const BOUND = ['required', 'optional'] as const

/** `agent list`: lists the operator's agents. */
export const listAgents = defineCommand({
  help: [
    "Lists the operator's agents, oldest first. Without --status it omits pending agents; --status pending lists them. Pending agents wait for approval. Below the list it names recoveries and moves that wait, and agents that have moved.",
  ],
  examples: [
    { does: 'agents that wait for approval', line: 'auth4agent agent list --status pending' },
    { does: 'all DIDs', line: "auth4agent agent list --json | jq -r '.[].did'" },
  ],
  flags: {
    ...operatorFlags,
    status: {
      kind: 'text',
      value: 'STATUS',
      help: 'only agents that are pending, active, suspended or revoked',
      choices: STATUSES,
    },
  },
  async run(context) {
    const status = STATUSES.find((one) => one === context.flags.text('status'))
    const operator = await openOperator(context)
    const found = await context.progress('asking the server', collect(operator, { status, pageSize: 200 }))
    const rows = found.map(({ did, status, allowed_scopes, label }) => [
      did,
      status,
      (allowed_scopes ?? []).join(','),
      label ?? '',
    ])
    const table = found.length === 0 ? 'no agents' : columns([['DID', 'STATUS', 'SCOPES', 'LABEL'], ...rows])
    const text = [table, ...found.flatMap(waitingText)].join('\n')
    context.answer(
      found,
      text,
      found.map(({ did }) => did),
    )
  },
})

/** `agent approve`: approves a pending agent. */
export const approveAgent = defineCommand({
  help: [
    'Makes a pending agent active. The agent has no scopes yet. `auth4agent scope set` grants scopes, and also approves a pending agent.',
  ],
  examples: [
    {
      does: 'approve an agent',
      line: 'auth4agent agent approve did:agent:example.com:21fe31dfa154a261626bf854046fd227',
    },
  ],
  arguments: [agentArgument],
  flags: { ...operatorFlags, ...agentFlags },
  async run(context) {
    const agent = await chosenAgent(context)
    const approved = await context.progress('approving', (await openOperator(context)).agents.approve(agent))
    const { agent_did, status } = approved
    context.answer(approved, `agent approved\n\n${lines({ did: agent_did, status })}`, [agent_did])
  },
})

/** `agent update`: changes an agent's label, its bound challenges, how far its grants go, or its redirect URIs. */
export const updateAgent = defineCommand({
  help: [
    "Changes the label of an agent, whether the agent must sign bound challenges, how many times its grants may be handed on, or where browsers may be sent back to. A bound challenge contains scope, audience and lifetime of the token, so the agent's signature covers them. Values that you omit do not change.",
    'An agent with the delegation depth 0 gets no grants. A smaller depth ends all tokens and grants of the agent.',
    'An agent with redirect URIs may send a person to the page of consent, if the owner of the audience has allowed it by `auth4agent client allow`. --redirect-uri replaces all of them, and --no-redirect-uris removes them. When the hosts change, the people are asked again.',
  ],
  examples: [
    {
      does: 'set the label',
      line: 'auth4agent agent update did:agent:example.com:21fe31dfa154a261626bf854046fd227 --label "invoice reader"',
    },
    {
      does: 'accept only bound challenges',
      line: 'auth4agent agent update did:agent:example.com:21fe31dfa154a261626bf854046fd227 --bound-challenges required',
    },
    {
      does: 'let the agent hand authority on, and its sub-agents once more',
      line: 'auth4agent agent update did:agent:example.com:21fe31dfa154a261626bf854046fd227 --max-delegation-depth 2',
    },
    {
      does: 'let the agent ask people for consent',
      line: 'auth4agent agent update did:agent:example.com:21fe31dfa154a261626bf854046fd227 --redirect-uri https://app.example.com/callback',
    },
  ],
  arguments: [agentArgument],
  flags: {
    ...operatorFlags,
    ...agentFlags,
    label: { ...shared.label, more: 'at most 100 characters' },
    'bound-challenges': {
      kind: 'text',
      value: 'WHETHER',
      help: 'whether the agent must sign bound challenges: required or optional',
      choices: BOUND,
    },
    'max-delegation-depth': shared['max-delegation-depth'],
    'redirect-uri': {
      kind: 'list',
      value: 'URL',
      help: 'where a browser may be sent back to; can be repeated',
    },
    'no-redirect-uris': { kind: 'boolean', help: 'let the agent send nobody to the page of consent any more' },
  },
  async run(context) {
    const { flags } = context
    const agent = await chosenAgent(context)
    const [label, bound] = [flags.text('label'), flags.text('bound-challenges')]
    const depth = flags.text('max-delegation-depth')
    const [uris, hasNone] = [flags.list('redirect-uri'), flags.on('no-redirect-uris')]
    if (hasNone && uris.length > 0) throw usageError('--redirect-uri and --no-redirect-uris cannot be used together')
    const redirectUris = hasNone || uris.length > 0 ? uris : undefined
    if ([label, bound, depth, redirectUris].every((each) => each === undefined))
      throw usageError('--label, --bound-challenges, --max-delegation-depth or --redirect-uri is missing')
    const changes = {
      label,
      ...(bound !== undefined && { requireBoundChallenges: bound === 'required' }),
      ...(depth !== undefined && { maxDelegationDepth: Number(depth) }),
      redirectUris,
    }
    const { agents } = await openOperator(context)
    const updated = await context.progress('updating', agents.update(agent, changes))
    const { did, status, require_bound_challenges, max_delegation_depth: shownDepth } = updated
    const shown = {
      did,
      status,
      label: updated.label,
      'bound challenges': boundText(require_bound_challenges),
      'delegation depth': String(shownDepth ?? 0),
      'redirect URIs': updated.redirect_uris?.join(' ') ?? 'none',
    }
    context.answer(updated, `agent updated\n\n${lines(shown)}`, [did])
  },
})

const MOVE_TARGET = '`auth4agent agent-key list AGENT` shows where to'

/** Warns of waiting events: a recovery may be an attack, and time may free an agent that moves on the same server. */
function waitingText({ did, recovery_at: recovery, move_at: move, moved_to: to }: AgentRecord): readonly string[] {
  return [
    ...(recovery ? [plain(`WARNING: a recovery of ${did} takes effect at ${recovery}`)] : []),
    ...(move ? [plain(`a move of ${did} waits for a release, or on this server until ${move}; ${MOVE_TARGET}`)] : []),
    ...(to ? [plain(`${did} has moved to ${to}`)] : []),
  ]
}

function boundText(required: boolean | null | undefined): string {
  return required === true ? 'required' : 'optional'
}

async function collect({ agents }: Operator, filter: AgentFilter): Promise<AgentRecord[]> {
  const all = []
  for await (const agent of agents.list(filter)) all.push(agent)
  return all
}
