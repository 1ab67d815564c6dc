import { afterAll, beforeAll, expect, it } from 'vitest'
import { startInstance } from '../../../test/support/authn.ts'
import { freshOperator, insertAgent, type TestAgent } from '../../../test/support/authn-agents.ts'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { asAdmin } from '../../../test/support/identity.ts'
import { headerOf } from '../../../test/support/signing-keys.ts'
import { createToken, type SoftToken } from '../../../test/support/softhsm.ts'
import { until } from '../../../test/support/until.ts'
import { StartupError } from '../../platform/errors/startup-error.ts'
import { INTROSPECTION, type KeyKind, tokenKind } from '../domain/key-kinds.ts'

let token: SoftToken
let database: TestDatabase
let agent: TestAgent

beforeAll(async () => {
  token = await createToken()
  database = await testDatabase()
  agent = await insertAgent(database.db, await freshOperator(database.db))
})
afterAll(async () => {
  await database?.drop()
  await token?.[Symbol.asyncDispose]()
})

const start = () => startInstance(database.db, { secrets: { pkcs11: token } })
const rows = () => database.db.prisma.jwksKey.findMany({ orderBy: [{ createdAt: 'asc' }, { kid: 'asc' }] })
const active = async (kind: KeyKind) =>
  (await rows()).find((key) => key.purpose === kind.purpose && key.alg === kind.alg && key.state === 'active')?.kid ??
  ''

it('authn with keys in a hardware token issues tokens, signs introspection answers, and destroys a compromised key in the hardware token', async () => {
  const first = await start()
  for (const key of await rows()) expect(key).toMatchObject({ state: 'active', wrappedKey: null, kekId: null })
  const issued = await first.issue(agent)
  expect(await first.verify(issued)).toMatchObject({ valid: true })
  const answer = await first.keys.introspectionSigner.sign({ token_introspection: { active: false } })
  expect(headerOf(answer).kid).toBe(await active(INTROSPECTION))
  await first.runJobs()
  const listed = await first.keys.module.handlers.listSigningKeys(
    { $typeName: 'auth4agent.v1.ListSigningKeysRequest' },
    asAdmin(),
  )
  expect(new Set(listed.keys?.map(({ heldBy }) => heldBy))).toEqual(new Set(['pkcs11']))
  await first.keys.close()

  await database.db.prisma.$executeRaw`UPDATE jwks_keys SET created_at = created_at - interval '1 hour'`
  const second = await start()
  const kid = await active(tokenKind('EdDSA'))
  const request = { $typeName: 'auth4agent.v1.MarkKeyCompromisedRequest', kid, reason: '', force: false } as const
  await second.keys.module.handlers.markKeyCompromised(request, asAdmin())
  expect(await second.verify(issued)).toMatchObject({ valid: false, reason: 'UNKNOWN_KEY' })
  expect(await second.verify(await second.issue(agent))).toMatchObject({ valid: true })
  await until(rows, (keys) => keys.find((key) => key.kid === kid)?.externalRef === null)
  await second.keys.close()
})

it('authn does not start without the hardware token of its keys, and names the key', async () => {
  const failure = await startInstance(database.db).catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(StartupError)
  expect(String(failure)).toMatch(/Signing key \S{43} .*AUTH4AGENT_PKCS11_\* settings/)
})
