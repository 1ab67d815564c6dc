import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createDataFolder, type DataFolder } from '../../support/data-folder.ts'
import { ISSUER } from '../../support/deployment.ts'
import { adminAsserter, keysOf } from '../../support/parties.ts'
import { type RunningServer, startServer } from '../../support/server.ts'
import { expectNoSecrets, misplace, useRightly, type Watched } from './run-through.ts'
import { createSecrets } from './secrets.ts'

const secrets = createSecrets()
let data: DataFolder
let server: RunningServer
let watched: Watched
let requestId: string

beforeAll(async () => {
  data = await createDataFolder()
  server = await startServer({ AUTH4AGENT_DATA_DIR: data.path, AUTH4AGENT_LOG_LEVEL: 'debug' })
  const admin = adminAsserter(keysOf(await readFile(join(data.path, 'admin-key.pem'), 'utf8')), ISSUER)
  watched = { server, admin, secrets, domain: 'agents.test', prove: () => undefined }
})
afterAll(async () => {
  await server?.stop()
  await data?.remove()
})

it('1. a full run succeeds, and calls with misplaced secrets are answered', async () => {
  requestId = await misplace(watched, await useRightly(watched))
})

it('2. after the server has ended, the secrets in its data folder are added to those to look for', async () => {
  for (const name of ['key-encryption-key', 'postgres-password'])
    secrets.keep(name, (await readFile(join(data.path, name), 'utf8')).trim())
  const kek = Buffer.from(secrets.any('key-encryption-key'), 'base64')
  secrets.keep('key-encryption-key in hex', kek.toString('hex'))
  const pem = await readFile(join(data.path, 'admin-key.pem'), 'utf8')
  secrets.keep('administrator key in PEM', pem.split('\n')[1] ?? '')
  secrets.keepPrivateKey('administrator key', keysOf(pem).privateKey)
  expect(await server.stop()).toBe(0)
})

it('3. the logs describe the run and contain none of the secrets', () => {
  expect(server.logs()).toContain('"level":20')
  expectNoSecrets(server.logs(), requestId, secrets)
})
