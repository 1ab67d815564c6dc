import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import {
  type Agent,
  type AgentSigner,
  createAgent,
  type KeyStore,
  type SeedSigner,
  type ServerOptions,
} from '@auth4agent/sdk'
import {
  type AgentConfig,
  keyFileStore,
  keyPathOf,
  readKeyFile,
  readSigningKeyFile,
  updateAgentConfig,
} from '@auth4agent/sdk/node'
import { agentKeyFlag, serverFlags } from './common-flags.ts'
import type { Context } from './context.ts'
import { requireAgent, serverOf } from './parties.ts'
import { shared } from './shared-flags.ts'

/** Flags of commands that change or read the agent's log of keys. */
export const agentLogFlags = { ...serverFlags, ...agentKeyFlag } as const

/** The flag for the committed key, which an event needs that ends the DID. */
export const committedKeyFlag = {
  'new-key': {
    ...shared['new-key'],
    more: 'the committed one',
  },
} as const

/** Reads the committed key of the command line. Resolves with undefined without the flag: then the store has it. */
export async function givenCommittedKey({
  flags,
}: Pick<Context<typeof committedKeyFlag>, 'flags'>): Promise<SeedSigner | undefined> {
  const file = flags.text('new-key')
  return file === undefined ? undefined : readKeyFile(file)
}

/** The agent of the folder, which can change its log. */
interface OpenedAgent {
  readonly config: AgentConfig
  readonly agent: Agent
  /** The key files of the configuration; undefined if --key names another file. */
  readonly store: KeyStore | undefined
}

/**
 * Opens the agent of the folder. `next` is the file of its next key, if it is not beside the key. The caller closes
 * the agent. Rejects with CliError or the SDK's Auth4AgentError.
 */
export async function openAgent(context: Context<typeof agentLogFlags>, next?: string): Promise<OpenedAgent> {
  const { folder, fetch, flags } = context
  const config = await requireAgent(folder)
  const file = flags.text('key')
  const store = file === undefined ? keyFileStore(await keyPathOf(folder, config), { next }) : undefined
  const key = store ?? (await readSigningKeyFile(file ?? ''))
  return { config, store, agent: openAgentOf(config, key, { ...serverOf(config, context), fetch }) }
}

function openAgentOf({ did }: AgentConfig, key: AgentSigner | KeyStore, options: ServerOptions): Agent {
  return createAgent({ ...options, did, key })
}

/** Writes the identity key of the store into agent.json. The server has the newer DID document, so this one goes. */
export async function rememberKey(folder: string, store: KeyStore): Promise<void> {
  const { current } = await store.read()
  await updateAgentConfig(folder, { public_key: encodeBase64(current.publicKey), did_document: undefined })
}
