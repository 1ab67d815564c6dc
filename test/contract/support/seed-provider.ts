import type { KeyVault } from '../../../services/keys/key-vault.ts'
import type { Db } from '../../../services/platform/db/db.ts'
import { providerRow } from '../../support/people.ts'

/** The issuer of the provider `work`. */
export const WORK_ISSUER = 'https://login.acme-operator.com'

/** Gives an operator the provider `work`. Returns a function that inserts more of them. */
export async function seedProvider({ prisma }: Db, operatorId: string, vault: Pick<KeyVault, 'seal'>) {
  const insert = (name: string, issuer: string) =>
    prisma.identityProvider.create({ data: { operatorId, ...providerRow(vault, name, issuer) } })
  await insert('work', WORK_ISSUER)
  return insert
}
