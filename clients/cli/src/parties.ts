import { decodeBase64 } from '@auth4agent/core/base64'
import { parseDid } from '@auth4agent/core/did'
import { isUuid } from '@auth4agent/core/uuid'
import { type Administrator, createAdministrator, createOperator, type Operator, type Signer } from '@auth4agent/sdk'
import {
  type AgentConfig,
  loadSigner,
  type OperatorConfig,
  readAgentConfig,
  readOperatorConfig,
} from '@auth4agent/sdk/node'
import { configurationError, usageError } from './cli-error.ts'
import type { adminFlags, operatorFlags, serverFlags } from './common-flags.ts'
import type { Context, Io } from './context.ts'
import { shown } from './hidden.ts'
import { readKey } from './secrets.ts'
import { checkServer } from './server-address.ts'

type Place = Pick<Context<typeof serverFlags>, 'flags' | 'folder'>

/** Where a server is and what it calls itself; `issuer` is undefined where that is its address. */
export interface ServerChoice {
  readonly server: string
  readonly issuer: string | undefined
}

const INIT_AGENT = 'Make one: `auth4agent init --domain DOMAIN --server URL`'
const INIT_OPERATOR = 'Make one: `auth4agent init --operator --domain DOMAIN --server URL`'

/** The agent of the folder. Throws CliError where there is none. */
export async function requireAgent(folder: string): Promise<AgentConfig> {
  const config = await readAgentConfig(folder)
  if (config === undefined || config.did === '') throw configurationError(`there is no agent in ${folder}`, INIT_AGENT)
  return config
}

/** The operator of the folder. Throws CliError where there is none. */
export async function requireOperator(folder: string): Promise<OperatorConfig> {
  const config = await readOperatorConfig(folder)
  if (config === undefined) throw configurationError(`there is no operator in ${folder}`, INIT_OPERATOR)
  return config
}

/** The server that flags or configurations name, the first that does. Throws CliError for none, and for an address that is not safe. */
export async function chooseServer({ flags, folder }: Place): Promise<ServerChoice> {
  const given = flags.text('server')
  if (given !== undefined) return { server: checkServer(given), issuer: flags.text('issuer') }
  const config = (await readAgentConfig(folder)) ?? (await readOperatorConfig(folder))
  return serverOf(config, { flags, folder })
}

/** The server of a configuration, unless a flag names another. */
export function serverOf(config: AgentConfig | OperatorConfig | undefined, { flags, folder }: Place): ServerChoice {
  const given = flags.text('server')
  const server = given ?? config?.server_url ?? ''
  if (server === '') throw configurationError(`no server is configured in ${folder}`, 'Name one: --server URL')
  const configured = given === undefined ? config?.issuer || undefined : undefined
  return { server: checkServer(server), issuer: flags.text('issuer') ?? configured }
}

/** The operator that the command line or operator.json names, with its key. Throws CliError. */
export async function openOperator(context: Context<typeof operatorFlags>): Promise<Operator> {
  const { flags, folder } = context
  const [config, keyFile] = [await readOperatorConfig(folder), flags.text('key')]
  if (config === undefined && keyFile === undefined) await requireOperator(folder)
  const operatorId = flags.text('operator-id') ?? config?.id ?? ''
  if (operatorId === '') throw notRegistered()
  const key =
    keyFile === undefined && config !== undefined
      ? await loadSigner(folder, config)
      : await readKey(keyFile ?? '-', context)
  return makeOperator({ ...serverOf(config, context), operatorId, key }, context)
}

/** The operator of the folder for calls that need no key. Throws CliError. */
export async function viewOperator(
  context: Pick<Context<typeof serverFlags>, 'flags' | 'folder' | 'fetch'>,
  operatorId?: string,
): Promise<Operator> {
  const config =
    operatorId === undefined ? await requireOperator(context.folder) : await readOperatorConfig(context.folder)
  const id = operatorId ?? config?.id ?? ''
  if (id === '') throw notRegistered()
  return makeOperator({ ...serverOf(config, context), operatorId: id, key: publicHalf(config) }, context)
}

/** The administrator of the chosen server. Throws CliError. */
export async function openAdministrator(context: Context<typeof adminFlags>): Promise<Administrator> {
  const key = await readKey(context.flags.required('key'), context)
  const { fetch, now } = context
  return createAdministrator({ ...(await chooseServer(context)), key, fetch, now })
}

/** What is thrown where an operator has no id yet. */
function notRegistered() {
  return configurationError('this operator is not registered', 'Register it: `auth4agent register operator`')
}

function makeOperator(
  options: ServerChoice & { operatorId: string; key: Signer },
  { fetch }: Pick<Io, 'fetch'>,
): Operator {
  try {
    return createOperator({ ...options, fetch })
  } catch (error) {
    throw configurationError(
      error instanceof Error ? error.message : String(error),
      'Look at operator.json: `auth4agent whoami`',
    )
  }
}

/** A key of which only the public half is at hand. */
function publicHalf(config: OperatorConfig | undefined): Signer {
  const publicKey = decodeBase64(config?.root_public_key ?? '')
  return {
    publicKey: publicKey ?? new Uint8Array(32),
    sign: () => Promise.reject(new Error('this call needs no signature')),
  }
}

/** An agent as a command line names it, by id or DID. Throws CliError. */
export function agentName(given: string): string {
  if (isUuid(given) || parseDid(given) !== undefined) return given
  throw usageError(`${shown(given)} is neither an id nor a DID of an agent`, '`auth4agent agents list` shows both.')
}
