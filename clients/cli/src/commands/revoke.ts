import { type AgentRecord, openCalls } from '@auth4agent/sdk'
import { agentArgument, agentFlags, chosenAgent, namedAgent } from '../agent-name.ts'
import { usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { operatorFlags, reasonFlag } from '../common-flags.ts'
import { chooseServer, openOperator } from '../parties.ts'
import { readToken } from '../secrets.ts'
import { shared } from '../shared-flags.ts'
import { columns, lines } from '../text.ts'

const AGENT = 'did:agent:example.com:21fe31dfa154a261626bf854046fd227'

/** `token revoke`: revokes one token. */
export const revokeToken = defineCommand({
  help: [
    'Revokes one token. With --token everyone who has the token can do this; with --jti only the operator of the agent can. Online verifiers refuse the token as soon as the command ends.',
  ],
  examples: [
    { does: 'a token in a file', line: 'auth4agent token revoke --token @token.txt --reason leaked' },
    { does: 'a token from a pipe', line: 'auth4agent token revoke --token - < token.txt' },
    {
      does: 'by its id (jti), as the operator',
      line: 'auth4agent token revoke --jti 0198f0c2-7d1e-7a55-9b60-5f3d2c1b0a99',
    },
  ],
  flags: {
    ...operatorFlags,
    ...reasonFlag,
    token: shared.token,
    jti: shared.jti,
  },
  async run(context) {
    const { flags, fetch, progress, answer } = context
    const [token, jti, reason] = [flags.text('token'), flags.text('jti'), flags.text('reason')]
    if ((token === undefined) === (jti === undefined))
      throw usageError('Exactly one of --token and --jti must be given')
    const call =
      jti === undefined
        ? openCalls({ server: (await chooseServer(context)).server, fetch }).revokeToken(
            await readToken(token ?? '', context),
            reason,
          )
        : (await openOperator(context)).revokeToken(jti, reason)
    const revoked = await progress('revoking', call)
    const { jti: id, revoked_at, ended_operator_id: operator } = revoked
    const also = operator
      ? ', together with all tokens of the operator, because the operator already had 10,000 revoked tokens'
      : ''
    answer(revoked, `token revoked${also}\n\n${lines({ jti: id, revoked_at })}`, [id])
  },
})

/** `agent revoke`: revokes an agent for good. */
export const revokeAgent = defineCommand({
  help: [
    'Revokes an agent for good and ends all its tokens. This cannot be undone. To stop an agent for a time, use `agent suspend`.',
  ],
  examples: [
    {
      does: 'an agent that is no longer needed',
      line: `auth4agent agent revoke ${AGENT} --reason decommissioned`,
    },
  ],
  arguments: [agentArgument],
  flags: { ...operatorFlags, ...agentFlags, ...reasonFlag },
  async run(context) {
    const agent = await namedAgent(context)
    const revoked = await context.progress(
      'revoking',
      (await openOperator(context)).agents.revoke(agent, context.flags.text('reason')),
    )
    context.answer(revoked, `agent revoked\n\n${lines({ did: revoked.agent_did, revoked_at: revoked.revoked_at })}`, [
      revoked.agent_did,
    ])
  },
})

/** `agent suspend`: suspends an agent. */
export const suspendAgent = defineCommand({
  help: [
    'Suspends an agent: all its tokens end, and the agent gets no new tokens. `agent reactivate` ends the suspension.',
  ],
  examples: [
    { does: 'the agent of agent.json', line: 'auth4agent agent suspend --reason investigating' },
    {
      does: 'another agent',
      line: `auth4agent agent suspend ${AGENT} --reason investigating`,
    },
  ],
  arguments: [agentArgument],
  flags: { ...operatorFlags, ...agentFlags, ...reasonFlag },
  async run(context) {
    const agent = await chosenAgent(context)
    const suspended = await context.progress(
      'suspending',
      (await openOperator(context)).agents.suspend(agent, context.flags.text('reason')),
    )
    context.answer(
      suspended,
      `agent suspended\n\n${lines({ did: suspended.agent_did, suspended_at: suspended.suspended_at })}`,
      [suspended.agent_did],
    )
  },
})

/** `agent reactivate`: ends the suspension of an agent. */
export const reactivateAgent = defineCommand({
  help: ['Ends the suspension of an agent. Tokens from before the suspension stay ended.'],
  examples: [{ does: 'after a false alarm', line: `auth4agent agent reactivate ${AGENT}` }],
  arguments: [agentArgument],
  flags: { ...operatorFlags, ...agentFlags },
  async run(context) {
    const agent = await chosenAgent(context)
    const active = await context.progress('reactivating', (await openOperator(context)).agents.reactivate(agent))
    context.answer(
      active,
      `agent reactivated\n\n${lines({ did: active.agent_did, reactivated_at: active.reactivated_at })}`,
      [active.agent_did],
    )
  },
})

/** `agent list-revoked`: lists suspended and revoked agents. */
export const listRevoked = defineCommand({
  help: ["Lists the operator's agents that are suspended or revoked."],
  examples: [{ does: 'all suspended and revoked agents', line: 'auth4agent agent list-revoked' }],
  flags: operatorFlags,
  async run(context) {
    const { agents } = await openOperator(context)
    const found = await context.progress('asking the server', stopped(agents.list({ pageSize: 200 })))
    const rows = found.map(({ did, status, suspended_at, revoked_at }) => [
      did,
      status,
      revoked_at ?? suspended_at ?? '',
    ])
    context.answer(
      found,
      found.length === 0 ? 'no agent is suspended or revoked' : columns(rows),
      found.map(({ did }) => did),
    )
  },
})

async function stopped(agents: AsyncIterable<AgentRecord>): Promise<AgentRecord[]> {
  const found = []
  for await (const agent of agents) {
    if (agent.status === 'suspended' || agent.status === 'revoked') found.push(agent)
  }
  return found
}
