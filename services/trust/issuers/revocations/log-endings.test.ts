import { randomBytes, randomUUID } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { silentLog } from '../../../../test/support/database.ts'
import { asAdmin } from '../../../../test/support/identity.ts'
import { publishedKey } from '../../../../test/support/issuer-keys.ts'
import { useIssuers } from '../../../../test/support/issuers.ts'
import { refusalOf } from '../../../../test/support/reason-of.ts'
import { endEdges } from '../domains/end-edges.ts'
import { endKeys } from '../keys/end-keys.ts'
import { readIssuers } from '../read-issuers.ts'
import { readmitKey } from '../store.ts'
import { toMessage } from '../to-message.ts'
import { createLogEndings } from './log-endings.ts'

const { db, now, add, name, audit, issuers } = useIssuers()
const BETA = 'https://beta.io'
const SUBJECT = { home: 'https://auth.alpha.net', domain: 'acme.com', id: randomUUID() }
const start = (endAll: typeof endEdges) =>
  createLogEndings({ log: silentLog, store: (issuerId, subjects) => endAll({ db: db(), now }, issuerId, subjects) })

const endOf = (edgeId: string) => db().prisma.trustStatement.findUnique({ where: { edgeId }, select: { end: true } })

async function addKey(issuerId: string): Promise<string> {
  const { kid, alg, use: _, ...publicJwk } = publishedKey()
  await db().prisma.issuerKey.create({ data: { issuerId, kid, alg, publicJwk, thumbprint: kid } })
  return kid
}
const verifying = async () => [...((await readIssuers(db().pool, BETA)).get(BETA)?.keys.keys() ?? [])]
async function end(issuerId: string, ...kids: readonly string[]) {
  const endings = start(endKeys)
  for (const kid of kids) endings.end(issuerId, kid)
  await endings.idle()
}

describe('the end of a statement in the log of its deployment', () => {
  it('ends a statement that was read from the issuer, once, and none of another issuer', async () => {
    const [beta, gamma] = [await add({ issuer: BETA }), await add({ issuer: 'https://gamma.io' })]
    const [ours, theirs] = [randomUUID(), randomUUID()]
    await name(SUBJECT, { edgeId: ours, issuerId: beta.id })
    await name(SUBJECT, { edgeId: theirs, issuerId: gamma.id })
    const endings = start(endEdges)
    for (const edge of [ours, theirs, ours, 'no edge']) endings.end(beta.id, edge)
    await endings.idle()
    expect(await endOf(ours)).toEqual({ end: 'revoked' })
    expect(await endOf(theirs)).toEqual({ end: null })
    expect((await audit()).filter((entry) => entry.startsWith('trust.end'))).toHaveLength(1)
  })

  it('asks the database with few queries, whatever the number of records', async () => {
    const { id } = await add({ issuer: BETA })
    const queries = vi.spyOn(db().pool, 'query')
    const endings = start(endEdges)
    for (let n = 0; n < 2_500; n += 1) endings.end(id, randomUUID())
    await endings.idle()
    // The first record is looked for at once, and the others in batches of a thousand.
    expect(queries).toHaveBeenCalledTimes(4)
  })
})

describe('the end of a key in the log of its deployment', () => {
  it('stops the key, and no other key of the issuer, and not the same key of another issuer', async () => {
    const [beta, gamma] = [await add({ issuer: BETA }), await add({ issuer: 'https://gamma.io' })]
    const [kid, other] = [await addKey(beta.id), await addKey(beta.id)]
    await end(gamma.id, kid)
    expect(await verifying()).toHaveLength(2)
    await end(beta.id, kid, kid)
    expect(await verifying()).toEqual([other])
    expect((await audit()).filter((entry) => entry.startsWith('issuer.end-key'))).toEqual([
      `issuer.end-key https://gamma.io ${kid}: `,
      `issuer.end-key ${BETA} ${kid}: `,
    ])
  })

  it('is final: a set that has the key later does not bring it back, and it cannot be readmitted', async () => {
    const { id } = await add({ issuer: BETA })
    const { kid, alg, use: _, ...publicJwk } = publishedKey()
    await end(id, kid)
    await db().prisma.issuerKey.create({ data: { issuerId: id, kid, alg, publicJwk, thumbprint: kid } })
    expect(await verifying()).toEqual([])
    const row = await db().prisma.issuer.findFirstOrThrow({ include: { keys: true, endedKeys: true, domains: true } })
    expect(toMessage(row, undefined).keys).toMatchObject([{ kid, state: 'ended' }])
    expect(await refusalOf(readmitKey(issuers(), asAdmin(), { id, kid }, ''))).toBe('KEY_NOT_FOUND')
  })

  it('is stored later if the database fails', async () => {
    const { id } = await add({ issuer: BETA })
    const kid = await addKey(id)
    const endings = start(endKeys)
    const failing = vi.spyOn(db().prisma.issuerEndedKey, 'findMany').mockRejectedValueOnce(new Error('no connection'))
    endings.end(id, kid)
    await endings.idle()
    expect(await verifying()).toEqual([kid])
    failing.mockRestore()
    endings.retry()
    await endings.idle()
    expect(await verifying()).toEqual([])
  })

  it('remembers a thousand keys of an issuer, and ignores a subject that is no kid', async () => {
    const { id } = await add({ issuer: BETA })
    await end(id, 'x', ...Array.from({ length: 1_200 }, () => randomBytes(32).toString('base64url')))
    expect(await db().prisma.issuerEndedKey.count()).toBe(1_000)
  })
})
