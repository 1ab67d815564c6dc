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
import { type AgentConfig, type OperatorConfig, readAgentConfig, readOperatorConfig } from '@auth4agent/sdk/node'
import { configurationError, usageError } from './cli-error.ts'
import type { adminFlags, operatorFlags, serverFlags } from './common-flags.ts'
import type { Context } from './context.ts'
import { loadOwnKey, loadRootKey, refuseAs, teamOptions } from './own-keys.ts'
import { readKey } from './secrets.ts'
import { checkConfigured, checkServer } from './server-address.ts'
import { administratorKeyFile, readServerConfig } from './server-config.ts'

type Place = Pick<Context<typeof serverFlags>, 'flags' | 'folder'>

/** The part of a configuration that names a server. */
type Configured = Pick<AgentConfig, 'server_url' | 'issuer'>

/** Address and issuer of a server. `issuer` is undefined if it equals the address. */
export interface ServerChoice {
  readonly server: string
  readonly issuer: string | undefined
}

const INIT_AGENT = 'Create an agent: `auth4agent init --domain DOMAIN --server URL`'
const INIT_OPERATOR = 'Create an operator: `auth4agent init --operator --domain DOMAIN --server URL`'

/** Returns the agent of the folder. Throws CliError if there is none. */
export async function requireAgent(folder: string): Promise<AgentConfig> {
  const config = await readAgentConfig(folder)
  if (config === undefined || config.did === '') throw configurationError(`There is no agent in ${folder}`, INIT_AGENT)
  return config
}

/** Returns the operator of the folder. Throws CliError if there is none. */
export async function requireOperator(folder: string): Promise<OperatorConfig> {
  const config = await readOperatorConfig(folder)
  if (config === undefined) throw configurationError(`There is no operator in ${folder}`, INIT_OPERATOR)
  return config
}

/**
 * Returns the server of the flags, or else of agent.json, or else of operator.json, or else of server.json. Throws
 * CliError if none of them names a server, and for an unsafe address.
 */
export async function chooseServer({ flags, folder }: Place): Promise<ServerChoice> {
  // With --server the command needs no configuration, so an invalid configuration must not cause an error.
  const isGiven = flags.text('server') !== undefined
  const config = isGiven ? undefined : (await serverConfigs(folder)).find(namesServer)
  return serverOf(config, { flags, folder })
}

/** Tells whether the folder names a server. */
export async function knowsServer(folder: string): Promise<boolean> {
  return (await serverConfigs(folder)).some(namesServer)
}

async function serverConfigs(folder: string): Promise<readonly (Configured | undefined)[]> {
  return [await readAgentConfig(folder), await readOperatorConfig(folder), await readServerConfig(folder)]
}

function namesServer(config: Configured | undefined): boolean {
  return (config?.server_url ?? '') !== ''
}

/** Returns the server of a configuration, or else of server.json, unless a flag names another. Throws CliError. */
export async function chooseServerOf(config: Configured | undefined, place: Place): Promise<ServerChoice> {
  const isGiven = place.flags.text('server') !== undefined
  return serverOf(config ?? (isGiven ? undefined : await readServerConfig(place.folder)), place)
}

/** Returns the server of a configuration, unless a flag names another. */
export function serverOf(config: Configured | undefined, { flags, folder }: Place): ServerChoice {
  const given = flags.text('server')
  if (given !== undefined) return { server: checkServer(given), issuer: flags.text('issuer') }
  const { server_url, issuer } = config ?? { server_url: '' }
  if (server_url === '')
    throw configurationError(
      `No server is configured in ${folder}`,
      'Name one: --server URL, or once for all commands: `auth4agent context set --server URL`',
    )
  return { server: checkConfigured(server_url, folder), issuer: flags.text('issuer') ?? (issuer || undefined) }
}

/** Opens the operator of the command line or of operator.json, with the key that --as chooses. Throws CliError. */
export async function openOperator(context: Context<typeof operatorFlags>): Promise<Operator> {
  return open(context, (config) => loadOwnKey(config, context).then(({ signer }) => signer))
}

/** Opens the operator as {@link openOperator} does, for operations that need its root key. */
export async function openRoot(context: Context<typeof operatorFlags>): Promise<Operator> {
  refuseAs(context.as)
  return open(context, (config) => loadRootKey(config, context))
}

async function open(
  context: Context<typeof operatorFlags>,
  load: (config: OperatorConfig) => Promise<Signer>,
): Promise<Operator> {
  const { flags, folder, fetch, now } = context
  const [config, keyFile] = [await readOperatorConfig(folder), flags.text('key')]
  if (config === undefined && keyFile === undefined) await requireOperator(folder)
  if (keyFile !== undefined && context.as?.chosenBy === '--as')
    throw usageError('--key and --as cannot be used together', 'Both name the key that signs.')
  const operatorId = checkOperatorId(flags.text('operator-id')) ?? config?.id ?? ''
  if (operatorId === '') throw notRegistered()
  const key =
    keyFile === undefined && config !== undefined ? await load(config) : await readKey(keyFile ?? '-', context)
  const team = operatorId === config?.id ? teamOptions(config) : {}
  return makeOperator({ ...(await chooseServerOf(config, context)), ...team, operatorId, key, fetch, now })
}

/** Opens an operator for calls that need no key. Throws CliError. */
export async function viewOperator(
  context: Pick<Context<typeof serverFlags>, 'flags' | 'folder' | 'fetch'>,
  operatorId?: string,
): Promise<Operator> {
  const config =
    operatorId === undefined ? await requireOperator(context.folder) : await readOperatorConfig(context.folder)
  const id = checkOperatorId(operatorId) ?? config?.id ?? ''
  if (id === '') throw notRegistered()
  const isOwn = config !== undefined && id === config.id
  return makeOperator({
    ...(await chooseServerOf(config, context)),
    ...(isOwn && { ...teamOptions(config), domain: config.domain || undefined }),
    operatorId: id,
    key: publicHalf(config),
    fetch: context.fetch,
  })
}

/** Opens the administrator of the chosen server, with the key of --key or of the context. Throws CliError. */
export async function openAdministrator(context: Context<typeof adminFlags>): Promise<Administrator> {
  const { flags, folder, fetch, now } = context
  const file = flags.text('key') ?? (await administratorKeyFile(folder))
  if (file === undefined) {
    throw configurationError(
      `No administrator key is configured in ${folder}`,
      'Name its file: --key FILE, or once for all commands: `auth4agent context set --administrator-key FILE`',
    )
  }
  const key = await readKey(file, context)
  return createAdministrator({ ...(await chooseServer(context)), key, fetch, now })
}

/** Checks the operator id of a flag. Throws CliError unless it is a UUID. */
function checkOperatorId(given: string | undefined): string | undefined {
  if (given === undefined || isUuid(given)) return given
  throw usageError(
    '--operator-id must be a UUID in lower case',
    '`auth4agent operator status` shows the id of an operator.',
  )
}

/** Makes the error for an operator that has no id yet. */
export function notRegistered() {
  return configurationError('This operator is not registered', 'Register it: `auth4agent operator register`')
}

/** Creates an operator from its configuration. Throws CliError if the configuration is not valid. */
export function makeOperator(options: ServerChoice & OperatorOptions): Operator {
  try {
    return createOperator(options)
  } catch (error) {
    throw configurationError(
      error instanceof Error ? error.message : String(error),
      'Check operator.json: `auth4agent whoami`',
    )
  }
}

/** Returns a signer that has only the public half of the root key, and cannot sign. */
function publicHalf(config: OperatorConfig | undefined): Signer {
  const publicKey = decodeBase64(config?.root_public_key ?? '')
  return {
    publicKey: publicKey ?? new Uint8Array(32),
    sign: () => Promise.reject(new Error('This signer has no private key')),
  }
}
