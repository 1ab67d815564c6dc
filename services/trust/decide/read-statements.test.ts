import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  draftBetween,
  ELSEWHERE,
  startTrustWorld,
  type TrustWorld,
} from '../../../test/support/trust/put-statements.ts'
import { verifyTrustStatement } from '../statements/domain/verify-statement.ts'
import { storeStatement } from '../statements/store.ts'
import { readBetween } from './read-statements.ts'

let world: TrustWorld

beforeAll(async () => {
  world = await startTrustWorld()
})
afterAll(() => world.drop())

it('a statement of another deployment counts only while the proof of its domain is younger than two hours', async () => {
  const { db } = world
  const guild = await world.operator('guild.test')
  const acme = await world.operator('acme.test')
  const issuerId = randomUUID()
  await db.pool.query(
    `INSERT INTO issuers (id, issuer, kind, token_type, jwks_uri, revocation_mode, max_token_ttl, max_staleness_ms,
       statements_as_of)
     VALUES ($1, $2, 'auth4agent', 'at+jwt', '', 'log', 300, 5000, now())`,
    [issuerId, ELSEWHERE],
  )
  const draft = { ...draftBetween(guild, acme, 'member'), home: ELSEWHERE }
  // The database compares the times of the statement with its own clock.
  const text = await world.sign(guild, draft, { nowS: Math.floor(Date.now() / 1_000) })
  const verified = verifyTrustStatement(text)
  if (!verified.ok) expect.fail(verified.text)
  const checked = { statement: verified.statement, text, kid: guild.kid, at: new Date(), issuerId, signerEpoch: 1 }
  await db.prisma.$transaction((tx) => storeStatement(tx, checked))
  await db.pool.query(
    `INSERT INTO issuer_domains (issuer_id, domain, operator_id, thumbprint, proven_at)
     VALUES ($1, 'guild.test', $2, $3, now() - interval '119 minutes')`,
    [issuerId, guild.id, guild.kid],
  )
  expect(await readBetween(db.pool, guild.id, acme.id)).toMatchObject([{ kind: 'member' }])
  await db.pool.query("UPDATE issuer_domains SET proven_at = now() - interval '121 minutes'")
  expect(await readBetween(db.pool, guild.id, acme.id)).toEqual([])
})

it('statements of others about the caller never push out a block of the owner', async () => {
  const { db } = world
  const parties = await Promise.all(['cargo', 'bolt', 'dock'].map((name) => world.operator(`${name}.test`)))
  const [cargo = expect.fail(), bolt = expect.fail(), dock = expect.fail()] = parties
  for (const [signer, kind] of [
    [cargo, 'blocks'],
    [dock, 'member'],
  ] as const) {
    const statement = await world.sign(signer, draftBetween(signer, bolt, kind))
    await world.as(signer.id).putTrustStatement({ id: signer.id, statement })
  }
  const last = "UPDATE trust_statements SET edge_id = 'ffffffff-ffff-8fff-bfff-ffffffffffff' WHERE kind = 'blocks'"
  await db.pool.query(last)
  // The column holds milliseconds, and now() rounded up to one would lie ahead.
  await db.pool.query("UPDATE trust_statements SET not_before = now() - interval '1 second'")
  expect(await readBetween(db.pool, cargo.id, bolt.id)).toHaveLength(2)
  expect(await readBetween(db.pool, cargo.id, bolt.id, 1)).toMatchObject([{ kind: 'blocks' }])
})
