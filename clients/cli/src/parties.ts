import { decodeBase64 } from '@auth4agent/core/encoding/base64'
import { isUuid } from '@auth4agent/core/encoding/uuid'
import {
  type Administrator,
  createAdministrator,
  createOperator,
  type Operator,
  type OperatorOptions,
  type Signer,
} from '@auth4agent/sdk'
import {
  type AgentConfig,
  loadSigner,
  type OperatorConfig,
  readAgentConfig,
  readOperatorConfig,
} from '@auth4agent/sdk/node'
import { configurationError, usageError } from './cli-error.ts'
import type { adminFlags, operatorFlags, serverFlags } from './common-flags.ts'
import type { Context } from './context.ts'
import { readKey } from './secrets.ts'
import { checkConfigured, checkServer } from './server-address.ts'

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
  // A flag says all: no configuration has to be in order for it.
  const isGiven = flags.text('server') !== undefined
  const config = isGiven ? undefined : ((await readAgentConfig(folder)) ?? (await readOperatorConfig(folder)))
  return serverOf(config, { flags, folder })
}

/** The server of a configuration, unless a flag names another. */
export function serverOf(config: AgentConfig | OperatorConfig | undefined, { flags, folder }: Place): ServerChoice {
  const given = flags.text('server')
  if (given !== undefined) return { server: checkServer(given), issuer: flags.text('issuer') }
  const { server_url, issuer } = config ?? { server_url: '' }
  if (server_url === '') throw configurationError(`no server is configured in ${folder}`, 'Name one: --server URL')
  return { server: checkConfigured(server_url, folder), issuer: flags.text('issuer') ?? (issuer || undefined) }
}

/** The operator that the command line or operator.json names, with its key. Throws CliError. */
export async function openOperator(context: Context<typeof operatorFlags>): Promise<Operator> {
  const { flags, folder } = context
  const [config, keyFile] = [await readOperatorConfig(folder), flags.text('key')]
  if (config === undefined && keyFile === undefined) await requireOperator(folder)
  const operatorId = checkOperatorId(flags.text('operator-id')) ?? config?.id ?? ''
  if (operatorId === '') throw notRegistered()
  const key =
    keyFile === undefined && config !== undefined
      ? await loadSigner(folder, config)
      : await readKey(keyFile ?? '-', context)
  return makeOperator({ ...serverOf(config, context), operatorId, key, fetch: context.fetch })
}

/** The operator of the folder for calls that need no key. Throws CliError. */
export async function viewOperator(
  context: Pick<Context<typeof serverFlags>, 'flags' | 'folder' | 'fetch'>,
  operatorId?: string,
): Promise<Operator> {
  const config =
    operatorId === undefined ? await requireOperator(context.folder) : await readOperatorConfig(context.folder)
  const id = checkOperatorId(operatorId) ?? config?.id ?? ''
  if (id === '') throw notRegistered()
  return makeOperator({
    ...serverOf(config, context),
    operatorId: id,
    key: publicHalf(config),
    fetch: context.fetch,
  })
}

/** The administrator of the chosen server. Throws CliError. */
export async function openAdministrator(context: Context<typeof adminFlags>): Promise<Administrator> {
  const key = await readKey(context.flags.required('key'), context)
  const { fetch, now } = context
  return createAdministrator({ ...(await chooseServer(context)), key, fetch, now })
}

/** The id of an operator as a flag gives it. Throws CliError for what is none. */
function checkOperatorId(given: string | undefined): string | undefined {
  if (given === undefined || isUuid(given)) return given
  throw usageError(
    '--operator-id is a UUID in lower case',
    '`auth4agent verify-operator status` shows that of an operator.',
  )
}

/** What is thrown where an operator has no id yet. */
function notRegistered() {
  return configurationError('this operator is not registered', 'Register it: `auth4agent register operator`')
}

/** An operator as its configuration has it. Throws CliError where that is no operator. */
export function makeOperator(options: ServerChoice & OperatorOptions): Operator {
  try {
    return createOperator(options)
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
