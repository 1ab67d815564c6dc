import { stat } from 'node:fs/promises'
import type { AgentSigner, KeyStore, SeedSigner } from '@auth4agent/sdk'
import { type AgentConfig, keyFileStore, keyPathOf, loadSigner, readSigningKeyFile } from '@auth4agent/sdk/node'
import type { agentKeyFlag } from './common-flags.ts'
import type { Context } from './context.ts'
import { requireAgent } from './parties.ts'
import { readKey } from './secrets.ts'

/** Loads the agent of agent.json and its private key. Rejects with CliError or the SDK's Auth4AgentError. */
export async function loadAgent(
  context: Context<typeof agentKeyFlag>,
): Promise<{ readonly agent: AgentConfig; readonly key: SeedSigner }> {
  const agent = await requireAgent(context.folder)
  const file = context.flags.text('key')
  return { agent, key: file === undefined ? await loadSigner(context.folder, agent) : await readKey(file, context) }
}

/** An agent and a key that may authenticate it. */
interface SigningAgent {
  readonly agent: AgentConfig
  readonly key: AgentSigner
  /**
   * The key files of the configuration. After a rotation that was interrupted, they know which key is the right one.
   */
  readonly store: KeyStore | undefined
}

/** Loads the agent of agent.json and a key of it, which may be an added key of P-256 that --key names. */
export async function loadSigningAgent(context: Context<typeof agentKeyFlag>): Promise<SigningAgent> {
  const file = context.flags.text('key')
  if (file !== undefined && file !== '-' && (await isThere(file))) {
    return { agent: await requireAgent(context.folder), key: await readSigningKeyFile(file), store: undefined }
  }
  const { agent, key } = await loadAgent(context)
  const path = file === undefined ? await keyPathOf(context.folder, agent) : undefined
  return { agent, key, store: path === undefined ? undefined : keyFileStore(path) }
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined
}
