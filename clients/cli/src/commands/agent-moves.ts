import { formatAgentBundle } from '@auth4agent/core/key-events/bundle-text'
import { openCalls } from '@auth4agent/sdk'
import { readOperatorConfig, writeText } from '@auth4agent/sdk/node'
import { agentArgument, agentFlags, chosenAgent, didOf, namedAgent } from '../agent-name.ts'
import { readBundle } from '../bundle-file.ts'
import { usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { operatorFlags, reasonFlag } from '../common-flags.ts'
import type { Context } from '../context.ts'
import { answeredDid, checkDid, readMove, toIssuerFlag } from '../moves.ts'
import { nextLine } from '../next-line.ts'
import { chooseServer, chooseServerOf, openOperator } from '../parties.ts'
import { shared } from '../shared-flags.ts'
import { lines, plain } from '../text.ts'

const OLD = 'did:agent:example.com:21fe31dfa154a261626bf854046fd227'
const NEW = 'did:agent:other.example:21fe31dfa154a261626bf854046fd227'

const releaseFlags = {
  ...operatorFlags,
  ...agentFlags,
  ...toIssuerFlag,
  'new-did': { ...shared['new-did'], more: 'the release is for no other', required: true },
} as const

/** `agent release`: lets an agent go that has asked for a move. */
export const releaseAgent = defineCommand({
  help: [
    'Lets an agent go that has asked for a move. --new-did names the DID that you expect: the command releases no other move.',
    'A release to another server ends the agent on this server at once and for good, so --to-issuer must name that server.',
  ],
  examples: [
    { does: 'to another operator of the same server', line: `auth4agent agent release ${OLD} --new-did ${NEW}` },
    {
      does: 'to another server',
      line: `auth4agent agent release ${OLD} --new-did ${NEW} --to-issuer https://auth.other.example`,
    },
  ],
  arguments: [agentArgument],
  flags: releaseFlags,
  async run(context) {
    const { flags, progress, answer } = context
    const to = checkDid(flags.required('new-did'), '--new-did')
    const operator = await openOperator(context)
    const did = await didOf(await namedAgent(context), async () => operator)
    const issuer = await progress('reading the log', confirmServer(did, context))
    const released = await progress('releasing the agent', operator.agents.release(did, to))
    const { released_at } = released
    const told = { ...released, moves_to: to, ...(issuer !== undefined && { issuer }) }
    const next =
      issuer === undefined
        ? ''
        : `\n\nthe agent has ended here; next, for anybody:\nauth4agent agent export-bundle ${did} --output agent.bundle`
    answer(told, `agent released\n\n${lines({ did, 'new did': to, server: issuer, released_at })}${next}`, did)
  },
})

/**
 * Checks that --to-issuer names the server to which the agent asks to move. Resolves with its issuer if it is another
 * server. Throws CliError.
 */
async function confirmServer(did: string, context: Context<typeof releaseFlags>): Promise<string | undefined> {
  const { flags, folder, fetch } = context
  const { server, issuer: own = server } = await chooseServerOf(await readOperatorConfig(folder), context)
  const { pending } = await openCalls({ server, fetch }).keyEvents(did)
  const { issuer = own } = readMove(pending.find(({ type }) => type === 'move')?.event) ?? {}
  const expected = flags.text('to-issuer') ?? own
  if (issuer !== expected)
    throw usageError(
      issuer === own
        ? `The agent asks to move to an operator of this server, not of ${expected}`
        : `The agent asks to move to the server ${issuer}. The release ends the agent on this server for good`,
      issuer === own ? 'Leave out --to-issuer.' : `If this is right, add --to-issuer ${plain(issuer)}`,
    )
  return issuer === own ? undefined : issuer
}

/** `agent object-to-move`: ends a move that the operator has not released. */
export const objectToMove = defineCommand({
  help: [
    'Ends a move for which an agent has asked. You cannot object to a move that you have released. The agent can ask again.',
  ],
  examples: [{ does: 'keep the agent', line: `auth4agent agent object-to-move ${OLD} --reason "not agreed"` }],
  arguments: [agentArgument],
  flags: { ...operatorFlags, ...agentFlags, ...reasonFlag },
  async run(context) {
    const agent = await namedAgent(context)
    const { agents } = await openOperator(context)
    const ended = await context.progress('objecting', agents.objectToMove(agent, context.flags.text('reason')))
    context.answer(ended, `move ended\n\n${lines({ did: ended.agent_did, event: ended.digest })}`, ended.agent_did)
  },
})

/** `agent export-bundle`: writes the bundle of an agent that has moved to another server. */
export const exportAgent = defineCommand({
  help: [
    'Writes the bundle of an agent that its operator has released to another server: the history of its keys, and the release. Anybody can export it, and it contains no secret.',
    '`auth4agent agent admit --bundle FILE` admits the agent on the other server. `auth4agent agent verify-bundle FILE` verifies the bundle without a server.',
  ],
  examples: [
    {
      does: 'from the server that the agent leaves',
      line: `auth4agent agent export-bundle ${OLD} --server https://auth.example.com --output agent.bundle`,
    },
  ],
  arguments: [agentArgument],
  flags: {
    ...operatorFlags,
    ...agentFlags,
    output: { ...shared.output, more: 'the bundle' },
  },
  async run(context) {
    const { flags, fetch, progress, answer } = context
    const did = await didOf(await chosenAgent(context), () => openOperator(context))
    const { server } = await chooseServer(context)
    const bundle = await progress('exporting the agent', openCalls({ server, fetch }).exportAgent(did))
    const [text, output] = [formatAgentBundle(bundle), flags.text('output')]
    if (output === undefined) return answer(JSON.parse(text), text, text)
    await writeText(output, `${text}\n`, { replacesLink: true })
    const { to, issuer } = readMove(bundle.events.at(-1)) ?? {}
    const told = { did, to, issuer, events: bundle.events.length, output }
    const facts = lines({ did, 'new did': to, server: issuer, events: bundle.events.length })
    const next = `next, for the operator that the agent joins:\nauth4agent agent admit --bundle ${output}`
    answer(told, `agent exported\n\n${facts}\n\nwritten to ${output}\n\n${next}`, output)
  },
})

const admitFlags = {
  ...operatorFlags,
  bundle: { kind: 'text', value: 'FILE', help: 'the bundle of an agent of another server; - for standard input' },
  label: { ...shared.label, more: 'at most 100 characters' },
} as const

/** `agent admit`: admits an agent that moves to this operator. */
export const admitAgent = defineCommand({
  help: [
    'Admits an agent that has asked to move to you: by its old DID if it comes from an operator of the same server, or by its bundle if it comes from another server. The agent is active and has no scopes.',
    'The server verifies the bundle, but not who owned the old domain: `auth4agent agent verify-bundle FILE` shows who has released the agent.',
  ],
  examples: [
    { does: 'from an operator of the same server', line: `auth4agent agent admit ${OLD}` },
    { does: 'from another server', line: 'auth4agent agent admit --bundle agent.bundle --label "invoice reader"' },
  ],
  arguments: [{ name: 'DID', help: 'the old DID of the agent, without --bundle' }],
  flags: admitFlags,
  async run(context) {
    const {
      flags,
      arguments: [did],
      progress,
      answer,
    } = context
    const file = flags.text('bundle')
    if ((did === undefined) === (file === undefined))
      throw usageError('Either the old DID or --bundle FILE must be given')
    const moving = file === undefined ? checkDid(did ?? '', 'The argument DID') : await readBundle(file, context)
    const { agents } = await openOperator(context)
    const admitted = await progress('admitting the agent', agents.admit(moving, flags.text('label')))
    const grant = nextLine(context.place, `scope set --scope SCOPES ${answeredDid(admitted.did)}`)
    const next = `next:\n${grant}\nthen, where the agent runs:\nauth4agent agent finish-move`
    answer(admitted, `agent admitted\n\n${lines({ ...admitted })}\n\n${next}`, admitted.did)
  },
})
