import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { readKeyFile } from '@auth4agent/sdk/node'
import { type CliOptions, type CliResult, runCli } from '../cli.ts'
import { type FakeIssuer, startIssuer } from './issuer.ts'

/** A home folder with the agent of the command line tool, and a fake issuer that is its server. */
export interface AgentHome extends AsyncDisposable {
  readonly issuer: FakeIssuer
  readonly did: string
  /** The agent's public key, raw, and its thumbprint. */
  readonly publicKey: Uint8Array
  readonly jkt: string
  /** Returns the path of a file in the home folder. */
  path(name: string): string
  /** Runs the tool with this home folder. */
  tool(args: readonly string[], options?: CliOptions): Promise<CliResult>
}

/** Creates a home folder with an agent. */
export async function createAgentHome(): Promise<AgentHome> {
  const home = await mkdtemp(join(tmpdir(), 'a4a-home-'))
  const issuer = await startIssuer()
  const path = (name: string) => join(home, name)
  const tool: AgentHome['tool'] = (args, options) => runCli(args, { home, fetch, ...options })
  const { stdout } = await tool(['init', '--domain', 'example.com', '--server', issuer.url, '--quiet'])
  const { publicKey } = await readKeyFile(path('.auth4agents/keys/agent.key'))
  return {
    issuer,
    did: stdout.trim(),
    publicKey,
    jkt: thumbprint(publicKey),
    path,
    tool,
    async [Symbol.asyncDispose]() {
      await issuer[Symbol.asyncDispose]()
      await rm(home, { recursive: true })
    },
  }
}
