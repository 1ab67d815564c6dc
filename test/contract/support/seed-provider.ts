import type { KeyVault } from '../../../services/keys/key-vault.ts'
import type { Db } from '../../../services/platform/db/db.ts'
import { providerRow } from '../../support/people.ts'

/** Inserts the provider `work` of an operator. Nobody can find another one of the operator, whose issuer is here. */
export async function seedProvider({ prisma }: Db, operatorId: string, vault: KeyVault) {
  const insert = (name: string, issuer: string) =>
    prisma.identityProvider.create({ data: { operatorId, ...providerRow(vault, name, issuer) } })
  await insert('work', 'https://login.acme-operator.com')
  return { issuer: 'https://login.acme-operator.example', insert }
}
