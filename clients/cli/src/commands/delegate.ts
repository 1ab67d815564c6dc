import { DETAIL_TYPE, parseCapabilities } from '@auth4agent/core/delegation/parse-capabilities'
import { readUnverifiedChain } from '@auth4agent/core/delegation/sign-grant'
import { parseStrictJsonText } from '@auth4agent/core/encoding/strict-json'
import { createAgent, type GrantCapabilities } from '@auth4agent/sdk'
import { writeText } from '@auth4agent/sdk/node'
import { loadSigningAgent } from '../agent-key.ts'
import { usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { agentKeyFlag, serverFlags } from '../common-flags.ts'
import type { Context } from '../context.ts'
import { readGrantText } from '../grants/grant-file.ts'
import { refusalAdvice } from '../grants/refusal-advice.ts'
import { serverOf } from '../parties.ts'
import { shared } from '../shared-flags.ts'
import { lines } from '../text.ts'
import { writeTime } from '../times.ts'

const TO = 'did:agent:example.com:21fe31dfa154a261626bf854046fd227'
const delegateFlags = {
  ...serverFlags,
  ...agentKeyFlag,
  capability: {
    kind: 'list',
    value: 'CAPABILITY',
    help: 'what the other agent may do, AUDIENCE#SCOPE, such as https://api.example.com#orders:read',
  },
  constraint: {
    kind: 'text',
    value: 'JSON',
    help: 'with one --capability: the constraints of its arguments, a JSON object; by default all arguments are allowed',
  },
  capabilities: {
    kind: 'text',
    value: 'FILE',
    help: 'instead of both: a JSON object of capabilities, each with the constraints of its arguments; - for standard input',
  },
  ttl: { aliases: ['expires'], ...shared.ttl, more: 'of the grant, at most 1h', required: true },
  'max-delegation-depth': { aliases: ['depth'], ...shared['max-delegation-depth'], more: 'by default 0' },
  'holder-domain': {
    aliases: ['domain'],
    kind: 'list',
    value: 'DOMAIN',
    help: 'hand it on only to agents of these domains; by default as the parent',
  },
  grant: {
    kind: 'text',
    value: 'FILE',
    help: 'the chain of grants to hand on; by default the server gives a new grant; - for standard input',
  },
  output: { ...shared.output, more: 'the chain' },
} as const

/** `grant create`: gives another agent a part of the authority of the agent. */
export const delegate = defineCommand({
  help: [
    'Gives another agent a part of the authority of the agent of agent.json, and prints a chain of grants, which only the other agent can use. The operator must allow the agent to delegate: `auth4agent agent update --max-delegation-depth`.',
    'With --grant it hands on a chain that the agent holds. A grant that is wider than its parent is refused before it leaves this machine, with the rule that it breaks.',
  ],
  examples: [
    {
      does: 'let another agent read orders for ten minutes',
      line: `auth4agent grant create ${TO} --capability 'https://api.example.com#orders:read' --ttl 10m --output chain.txt`,
    },
    {
      does: 'with a constraint',
      line: `auth4agent grant create ${TO} --capability 'https://pay.example.com#pay' --constraint '{"amount":{"constraint_type":"range","max":100}}' --ttl 10m`,
    },
    {
      does: 'hand on a part of a chain',
      line: `auth4agent grant create ${TO} --grant chain.txt --capability 'https://api.example.com#orders:read' --ttl 5m`,
    },
  ],
  arguments: [{ name: 'DID', help: 'DID of the agent that gets the grant', required: true }],
  flags: delegateFlags,
  async run(context) {
    const {
      flags,
      fetch,
      signal,
      progress,
      answer,
      arguments: [to = ''],
    } = context
    const capabilities = await readCapabilities(context)
    const given = flags.text('max-delegation-depth')
    const depth = given === undefined ? undefined : Number(given)
    const file = flags.text('grant')
    const grant = file === undefined ? undefined : await readGrantText(file, context.readStdin)
    const { agent, key, store } = await loadSigningAgent(context)
    const choice = serverOf(agent, context)
    const client = createAgent({ ...choice, did: agent.did, key: store ?? key, grant, fetch })
    const domains = flags.list('holder-domain')
    const options = { to, capabilities, expires: flags.required('ttl'), depth, signal }
    const asked = client.delegate({ ...options, ...(domains.length > 0 && { domains }) }).catch((error: unknown) => {
      // The SDK throws TypeError for options that no server accepts.
      throw error instanceof TypeError ? usageError(error.message) : error
    })
    const chain = await progress('delegating', asked).finally(() => client.close())
    const about = await describe(chain, choice.issuer ?? choice.server)
    const output = flags.text('output')
    if (output !== undefined) await writeText(output, `${chain}\n`)
    const told = output === undefined ? chain : `written to ${output}`
    const json = { ...(output === undefined ? { grant: chain } : { output }), ...about }
    answer(json, `grant given\n\n${lines(about)}\n\n${told}`, output ?? chain)
  },
})

async function readCapabilities({ flags, readStdin }: Context<typeof delegateFlags>): Promise<GrantCapabilities> {
  const [names, constraint, file] = [flags.list('capability'), flags.text('constraint'), flags.text('capabilities')]
  if ((names.length === 0) === (file === undefined))
    throw usageError('Exactly one of --capability and --capabilities must be given')
  if (constraint !== undefined && names.length !== 1)
    throw usageError('--constraint must come with one --capability', 'Use --capabilities FILE for more than one.')
  const value = file === undefined ? constraint : await readGrantText(file, readStdin)
  const flag = file === undefined ? '--constraint' : '--capabilities'
  const json = parseStrictJsonText(value ?? '{}')
  if (!json.ok) throw usageError(`${flag} must be a JSON object in which no member is repeated`)
  const tools = file === undefined ? Object.fromEntries(names.map((name) => [name, json.value])) : json.value
  expectCapabilities(tools)
  return tools
}

function expectCapabilities(tools: object): asserts tools is GrantCapabilities {
  const read = parseCapabilities([{ type: DETAIL_TYPE, tools }])
  if (!read.ok) throw usageError(`The capabilities are wrong: ${read.rule}`, refusalAdvice[read.reason])
}

async function describe(chain: string, issuer: string) {
  const read = await readUnverifiedChain(chain, issuer)
  const leaf = read.ok ? read.chain.hops.at(-1) : undefined
  return {
    to: leaf?.did,
    grant_id: leaf?.id,
    expires_at: leaf && writeTime(leaf.exp),
    depth: leaf && leaf.maxDepth - leaf.depth,
  }
}
