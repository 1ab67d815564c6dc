import type { KeyVault } from '../../../services/keys/key-vault.ts'
import type { Db } from '../../../services/platform/db/db.ts'
import { providerRow } from '../../support/people.ts'

/** The issuer of the provider `work`. */
export const WORK_ISSUER = 'https://login.acme-operator.com'

/** The subjects of a user and of one that is disabled. */
export const ALICE = 'user:9sKxGXkSsGS3FWtdVEtMBw'
export const BOB = 'user:Zk3mGXkSsGS3FWtdVEtMBw'

/** Gives an operator the provider `work` with two users. Returns a function that inserts more providers. */
export async function seedProvider({ prisma }: Db, operatorId: string, vault: Pick<KeyVault, 'seal'>) {
  const insert = (name: string, issuer: string) =>
    prisma.identityProvider.create({ data: { operatorId, ...providerRow(vault, name, issuer) } })
  const { id: providerId, edgeId: providerEdge } = await insert('work', WORK_ISSUER)
  const of = { operatorId, providerId, providerEdge }
  const alice = { ...of, subject: ALICE, sub: '00u1alice', name: 'Alice Example', groups: ['staff'] }
  const bob = { ...of, subject: BOB, sub: '00u2bob', name: 'Bob Example', status: 'disabled' as const, epoch: 2 }
  await prisma.user.createMany({ data: [alice, { ...bob, disabledAt: new Date() }] })
  return insert
}
