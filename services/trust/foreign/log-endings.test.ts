import { randomUUID } from 'node:crypto'
import { expect, it, vi } from 'vitest'
import { silentLog } from '../../../test/support/database.ts'
import { useIssuers } from '../../../test/support/issuers.ts'
import { createEdgeEnder } from './end-edges.ts'

const { db, now, add, name, audit } = useIssuers()
const SUBJECT = { home: 'https://auth.alpha.net', domain: 'acme.com', id: randomUUID() }

const start = () => createEdgeEnder({ db: db(), now, log: silentLog })
const endOf = (edgeId: string) => db().prisma.trustStatement.findUnique({ where: { edgeId }, select: { end: true } })

it('ends a statement that was read from the issuer, once, and none of another issuer', async () => {
  const [beta, gamma] = [await add({ issuer: 'https://beta.io' }), await add({ issuer: 'https://gamma.io' })]
  const [ours, theirs] = [randomUUID(), randomUUID()]
  await name(SUBJECT, { edgeId: ours, issuerId: beta.id })
  await name(SUBJECT, { edgeId: theirs, issuerId: gamma.id })
  const ender = start()
  for (const edge of [ours, theirs, ours, 'no edge']) ender.end(beta.id, edge)
  await ender.idle()
  expect(await endOf(ours)).toEqual({ end: 'revoked' })
  expect(await endOf(theirs)).toEqual({ end: null })
  expect((await audit()).filter((entry) => entry.startsWith('trust.end'))).toHaveLength(1)
})

it('asks the database with few queries, whatever the number of records', async () => {
  const { id } = await add({ issuer: 'https://beta.io' })
  const queries = vi.spyOn(db().pool, 'query')
  const ender = start()
  for (let n = 0; n < 2_500; n += 1) ender.end(id, randomUUID())
  await ender.idle()
  // The first record is looked for at once, and the others in batches of a thousand.
  expect(queries).toHaveBeenCalledTimes(4)
})
