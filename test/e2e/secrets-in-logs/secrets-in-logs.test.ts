import { Client } from 'pg'
import { afterAll, beforeAll, it } from 'vitest'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import { expectNoSecrets, misplace, useRightly, type Watched } from './run-through.ts'
import { createSecrets } from './secrets.ts'

const secrets = createSecrets()
let deployment: Deployment
let watched: Watched
let requestId: string

beforeAll(async () => {
  deployment = await startDeployment({ env: { AUTH4AGENT_LOG_LEVEL: 'debug' } })
  const { server, admin, dns } = deployment
  watched = { server, admin, secrets, domain: 'agents.example.com', prove: (name, value) => dns.setTxt(name, [value]) }
})
afterAll(() => deployment?.stop())

it('1. a full run succeeds, and calls with misplaced secrets are answered', async () => {
  requestId = await misplace(watched, await useRightly(watched))
})

it('2. the secrets of the deployment are added to those to look for', async () => {
  const kek = deployment.env['AUTH4AGENT_KEK'] ?? ''
  secrets.keep('key-encryption-key', kek)
  secrets.keep('key-encryption-key in hex', Buffer.from(kek, 'base64').toString('hex'))
  secrets.keep('password of the database', new URL(deployment.databaseUrl).password)
  const busKey = await busKeyOf(deployment.databaseUrl)
  for (const encoding of ['base64', 'base64url', 'hex'] as const)
    secrets.keep(`key of the bus in ${encoding}`, busKey.toString(encoding))
})

it('3. the logs of all processes describe the run and contain none of the secrets', () => {
  expectNoSecrets(deployment.logs(), requestId, secrets)
})

async function busKeyOf(databaseUrl: string): Promise<Buffer> {
  const client = new Client({ connectionString: databaseUrl })
  await client.connect()
  const { rows } = await client.query<{ bus_key: Buffer }>('SELECT bus_key FROM deployment')
  await client.end()
  return rows[0]?.bus_key ?? Buffer.alloc(0)
}
