import { decodeBase64 } from '@auth4agent/core/encoding/base64'
import { isUuid } from '@auth4agent/core/encoding/uuid'
import { parseDid } from '@auth4agent/core/identity/did'
import { createOperator, newIdentity, openCalls, type RegisteredAgent } from '@auth4agent/sdk'
import {
  type AgentConfig,
  keyFileStore,
  keyPathOf,
  type OperatorConfig,
  readOperatorConfig,
  updateAgentConfig,
} from '@auth4agent/sdk/node'
import { type CliError, configurationError, usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { serverFlags, suppliedFlags } from '../common-flags.ts'
import type { Context, Place } from '../context.ts'
import { nextLine } from '../next-line.ts'
import { loadOwnKey } from '../own-keys.ts'
import { requireAgent, serverOf } from '../parties.ts'
import { shared } from '../shared-flags.ts'
import { lines } from '../text.ts'
import { checkKid } from './agent-key-change.ts'

const registerFlags = {
  ...serverFlags,
  'operator-id': { ...suppliedFlags['operator-id'], more: 'the one of the agent' },
  'pre-rotation': {
    kind: 'boolean',
    help: 'create the next key beside the identity key, and commit to it; the server must know key events',
  },
  'next-key': { ...shared['next-key'], more: 'instead of --pre-rotation' },
  'next-kid': shared['next-kid'],
} as const

/** `agent register`: registers the agent of the folder. */
export const registerAgent = defineCommand({
  help: [
    'Registers the agent of agent.json under its operator. The agent is pending until the operator approves it or grants it scopes.',
    "If the operator's key is in the same folder, the operator itself registers the agent. Then the agent is active at once, without scopes.",
    'With --pre-rotation, --next-key or --next-kid the agent commits to its next key: a stolen identity key alone can then rotate nothing, and the next key can recover the agent. Keep the next key on another disk or machine.',
  ],
  examples: [
    {
      does: 'under an operator elsewhere',
      line: 'auth4agent agent register --operator-id 0b5c9a2e-7f3d-8c1a-9e4b-2d6f8a0c4e6b',
    },
    { does: 'under the operator of the same folder', line: 'auth4agent agent register' },
    { does: 'with a next key', line: 'auth4agent agent register --pre-rotation' },
  ],
  flags: registerFlags,
  async run(context) {
    const { folder, answer, progress } = context
    const agent = await requireAgent(folder)
    const operatorId = await chooseOperator(context, agent)
    const registered = await progress('registering the agent', register(context, agent, operatorId))
    await updateAgentConfig(folder, { operator_id: operatorId })
    const next =
      registered.status === 'pending' ? `\n\nnext, for its operator:\nauth4agent agent approve ${agent.did}` : ''
    answer(registered, `agent registered\n\n${lines({ did: registered.did, status: registered.status })}${next}`, [
      registered.did,
    ])
  },
})

async function chooseOperator(
  { flags, folder, place }: Context<typeof registerFlags>,
  agent: AgentConfig,
): Promise<string> {
  const config = await readOperatorConfig(folder)
  const domain = parseDid(agent.did)?.domain
  const own = config?.domain === domain ? config?.id : undefined
  const id = flags.text('operator-id') ?? (agent.operator_id || own)
  if (id === undefined || id === '') throw noOperator(config, domain, place)
  if (!isUuid(id)) throw usageError('--operator-id must be a UUID in lower case')
  return id
}

/** Says why the operator of the folder is not the one of the agent. */
function noOperator(config: OperatorConfig | undefined, domain = '', place: Place): CliError {
  const ask = 'The operator sees its id with `auth4agent operator status`.'
  if (config === undefined) return usageError('--operator-id ID is missing', ask)
  if (config.domain === domain) {
    const message = `The operator of this folder, ${domain}, is not registered yet`
    return usageError(message, `Register it first: \`${nextLine(place, 'operator register')}\``)
  }
  const message = `--operator-id ID is missing: the agent is of the domain ${domain}, but the operator of this folder is ${config.domain}`
  return usageError(message, `Name the operator of ${domain}, or create an agent of ${config.domain}. ${ask}`)
}

async function register(
  context: Context<typeof registerFlags>,
  agent: AgentConfig,
  operatorId: string,
): Promise<RegisteredAgent> {
  const { folder, fetch } = context
  const publicKey = decodeBase64(agent.public_key)
  if (publicKey?.length !== 32)
    throw configurationError(
      'public_key in agent.json must be base64 of 32 bytes',
      'Create another agent: `auth4agent init`',
    )
  const choice = serverOf(agent, context)
  const operator = await readOperatorConfig(folder)
  const { did, did_document } = agent
  const inception = await signedInception(context, agent)
  if (operator?.id === operatorId && operator.server_url === choice.server) {
    const { signer: key } = await loadOwnKey(operator, context)
    const { agents } = createOperator({ ...serverOf(operator, context), operatorId, key, fetch })
    return agents.register({ publicKey, did, didDocument: did_document, inception })
  }
  return openCalls({ server: choice.server, fetch }).registerAgent(operatorId, {
    publicKey,
    did,
    didDocument: did_document,
    inception,
  })
}

/**
 * Signs the inception that commits to a next key. Returns undefined if no flag asks for it: older servers refuse it.
 */
async function signedInception(
  { flags, folder }: Context<typeof registerFlags>,
  agent: AgentConfig,
): Promise<string | undefined> {
  const [file, kid] = [flags.text('next-key'), flags.text('next-kid')]
  if (file !== undefined && kid !== undefined) throw usageError('--next-key and --next-kid cannot be used together')
  if (file === undefined && kid === undefined && !flags.on('pre-rotation')) return undefined
  const key = keyFileStore(await keyPathOf(folder, agent), { next: file })
  const domain = parseDid(agent.did)?.domain ?? ''
  const next = kid === undefined ? undefined : checkKid(kid)
  const { did, inception } = await newIdentity({ key, domain, next })
  if (did !== agent.did)
    throw configurationError(
      'The key is not the one in the DID of agent.json',
      'Create another agent: `auth4agent init`',
    )
  return inception
}
