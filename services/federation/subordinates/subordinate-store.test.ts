import { afterAll, expect, it } from 'vitest'
import { testDatabase } from '../../../test/support/database.ts'
import { systemAuthor } from '../../ledger/ledger.ts'
import { removeSubordinate } from './subordinate-store.ts'

const database = await testDatabase()
const { prisma } = database.db
afterAll(() => database.drop())

const remove = (entityId: string) => removeSubordinate(prisma, systemAuthor('test'), entityId, 'moved away')
const left = async () => (await prisma.subordinate.findMany()).map(({ entityId }) => entityId)

it('removeSubordinate removes one subordinate with an audit record, and refuses one that is not there', async () => {
  const ids = ['https://a.example', 'https://b.example']
  await prisma.subordinate.createMany({ data: ids.map((entityId) => ({ entityId, jwks: '{}' })) })
  await remove('https://a.example')
  expect(await left()).toEqual(['https://b.example'])
  const records = await prisma.auditLog.findMany({ where: { action: 'subordinate.remove' } })
  expect(records).toMatchObject([{ subject: 'https://a.example', reason: 'moved away' }])
  await expect(remove('https://a.example')).rejects.toMatchObject({ reason: 'ENTITY_NOT_FOUND' })
  expect(await left()).toEqual(['https://b.example'])
})
