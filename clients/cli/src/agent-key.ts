import type { SeedSigner } from '@auth4agent/sdk'
import { type AgentConfig, loadSigner } from '@auth4agent/sdk/node'
import type { Context } from './context.ts'
import { requireAgent } from './parties.ts'
import { readKey } from './secrets.ts'

/** The flag for the key of the agent, the same in every command. */
export const agentKeyFlag = {
  key: {
    kind: 'text',
    value: 'FILE',
    help: "file of the agent's private key, if it is not the configured file; - for standard input",
  },
} as const

/** Loads the agent of agent.json and its private key. Rejects with CliError or the SDK's Auth4AgentError. */
export async function loadAgent(
  context: Context<typeof agentKeyFlag>,
): Promise<{ readonly agent: AgentConfig; readonly key: SeedSigner }> {
  const agent = await requireAgent(context.folder)
  const file = context.flags.text('key')
  return { agent, key: file === undefined ? await loadSigner(context.folder, agent) : await readKey(file, context) }
}
