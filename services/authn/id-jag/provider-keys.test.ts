import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { expectRefusal } from '../../../test/support/expect-refusal.ts'
import { type ProviderWorld, useProviderWorld } from '../../../test/support/federation/identity-provider.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'

const FEDERATED = 'https://idp.federated.example'
const ANCHOR = 'https://anchor.example'
const serve = useProviderWorld()
let world: ProviderWorld

beforeAll(async () => {
  world = serve()
  const { prisma } = world.database.db
  await world.put()
  const id = randomUUID()
  const { id: _, ...usual } = await prisma.issuer.findUniqueOrThrow({ where: { id: world.issuerId } })
  const { issuerId: __, publicJwk, ...key } = await prisma.issuerKey.findFirstOrThrow()
  await prisma.issuer.create({
    data: {
      ...usual,
      id,
      issuer: FEDERATED,
      jwksUri: '',
      anchor: ANCHOR,
      keys: { create: { ...key, publicJwk: Object(publicJwk) } },
    },
  })
  await prisma.trustAnchor.create({ data: { entityId: ANCHOR, jwks: '{}', position: 0, autoAdmit: false } })
  const at = new Date()
  const chain = { subject: FEDERATED, id: randomUUID(), anchorId: ANCHOR, foundAt: at, refreshAt: at, expiresAt: at }
  await prisma.trustChain.create({ data: chain })
  await world.put({ id })
})

type Case = readonly [name: string, reason: string, iss: string | undefined, end: string, undo: string]
const CASES: readonly Case[] = [
  [
    'that were not fetched for an hour',
    'UNAVAILABLE',
    undefined,
    "UPDATE issuers SET keys_as_of = now() - interval '1 hour'",
    'UPDATE issuers SET keys_as_of = now()',
  ],
  [
    'to which no trust chain leads any more',
    'UNAVAILABLE',
    FEDERATED,
    'UPDATE trust_chains SET expires_at = now()',
    "UPDATE trust_chains SET expires_at = now() + interval '1 hour'",
  ],
  [
    'if the newest set lacks the key',
    'GRANT_NOT_ACCEPTED',
    undefined,
    'UPDATE issuer_keys SET absent_since = now()',
    'UPDATE issuer_keys SET absent_since = NULL',
  ],
  [
    'if the key is withdrawn',
    'GRANT_NOT_ACCEPTED',
    undefined,
    'UPDATE issuer_keys SET withdrawn_at = now()',
    'UPDATE issuer_keys SET withdrawn_at = NULL',
  ],
  [
    'if a revocation log has ended the key',
    'GRANT_NOT_ACCEPTED',
    undefined,
    'INSERT INTO issuer_ended_keys (issuer_id, kid, ended_at) SELECT issuer_id, kid, now() FROM issuer_keys',
    'DELETE FROM issuer_ended_keys',
  ],
]

describe('an ID-JAG gives no token under keys of its issuer', () => {
  it.each(CASES)('%s', async (_, reason, iss, end, undo) => {
    const { database, redeem } = world
    const agent = await world.agent()
    const text = world.idJag(agent, iss === undefined ? {} : { iss })
    await database.db.pool.query(end)
    await expectRefusal(database.db, () => redeem(agent, text), reason)
    await database.db.pool.query(undo)
    expect(await refusalOf(redeem(agent, text))).toBeUndefined()
  })
})
