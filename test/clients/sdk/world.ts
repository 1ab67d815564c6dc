import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createOperator, generateKey, type Operator, type SeedSigner } from '@auth4agent/sdk'
import { freePort } from '../../support/free-port.ts'
import { startAll } from '../../support/modes.ts'
import type { RunningServer } from '../../support/server.ts'

/** A running server with one registered and proven operator. */
export interface World extends AsyncDisposable {
  /** The address of the server, which is also the issuer. */
  readonly url: string
  readonly server: RunningServer
  readonly operator: Operator
  readonly domain: string
  /** Registers an agent with these scopes. */
  newAgent(scopes: readonly string[]): Promise<{ readonly did: string; readonly key: SeedSigner }>
}

/** Starts a server with its own database, as the README describes, and registers and proves an operator. */
export async function startWorld(): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'a4a-sdk-'))
  // If this runs as root, PostgreSQL runs as another user, who must be able to enter the folder.
  await chmod(folder, 0o711)
  const port = await freePort()
  const url = `http://localhost:${port}`
  const server = await startAll({
    PORT: String(port),
    AUTH4AGENT_BASE_URL: url,
    AUTH4AGENT_DATA_DIR: join(folder, 'data'),
  })
  const domain = 'sdk.test'
  const operator = createOperator({ server: url, domain, key: await generateKey() })
  await operator.register()
  await operator.verification.confirm()
  return {
    url,
    server,
    operator,
    domain,
    async newAgent(scopes) {
      const key = await generateKey()
      const { did } = await operator.agents.register({ publicKey: key.publicKey })
      await operator.agents.setScopes(did, scopes)
      return { did, key }
    },
    async [Symbol.asyncDispose]() {
      await server.stop()
      await rm(folder, { recursive: true })
    },
  }
}
