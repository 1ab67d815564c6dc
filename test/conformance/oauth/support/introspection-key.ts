import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import { createKeyVault } from '../../../../services/keys/key-vault.ts'
import { createSealedKeys } from '../../../../services/keys/sealed-keys.ts'
import type { World } from '../../../contract/support/world.ts'

/** The key-encryption key of the world. */
const KEK = new Uint8Array(32).fill(7)

/** Inserts an active key that signs introspection answers. The world itself has only keys that sign tokens. */
export async function addIntrospectionKey({ db: { prisma } }: World): Promise<void> {
  const kind = { purpose: 'introspection', alg: 'EdDSA' } as const
  const { kid, publicJwk, stored } = createSealedKeys(createKeyVault(KEK)).seal(
    kind,
    Uint8Array.from(generateKeyPair().seed),
  )
  await prisma.jwksKey.create({ data: { ...kind, kid, state: 'active', publicJwk: { ...publicJwk }, ...stored } })
}
