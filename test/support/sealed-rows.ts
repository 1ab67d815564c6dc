import type { TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import type { PrismaClient } from '../../gen/prisma/client.ts'
import type { KeyState } from '../../gen/prisma/enums.ts'
import { createChallengeKeyring } from '../../services/keys/challenge-keyring.ts'
import { tokenKind } from '../../services/keys/domain/key-kinds.ts'
import type { NewSigningKey } from '../../services/keys/key-provider.ts'
import type { KeyVault } from '../../services/keys/key-vault.ts'
import { createSealedKeys } from '../../services/keys/sealed-keys.ts'
import { openAuthorization } from '../../services/signals/store/authorization.ts'
import { toStream } from '../../services/signals/store/stream.ts'

/** Inserts a key with this state. The row has the private half only if the state allows one. */
async function insertKey(prisma: PrismaClient, key: NewSigningKey, state: KeyState): Promise<void> {
  const { kid, purpose, alg, publicJwk, stored } = key
  const isGone = state === 'retired' || state === 'compromised'
  const half = isGone ? {} : stored
  await prisma.jwksKey.create({
    data: { kid, purpose, alg, state, publicJwk: { ...publicJwk }, ...half },
  })
}

/** Creates a sealed key with this state in the database. Returns its kid. */
export async function makeKey(
  prisma: PrismaClient,
  vault: KeyVault,
  state: KeyState,
  alg: TokenAlgorithm = 'EdDSA',
): Promise<string> {
  const key = await createSealedKeys(vault).generate(tokenKind(alg))
  await insertKey(prisma, key, state)
  return key.kid
}

/**
 * Creates signing keys in every state, one of them outside the database, and the current challenge keys. Five of the
 * rows contain a sealed key.
 */
export async function makeAllKeys(prisma: PrismaClient, vault: KeyVault): Promise<void> {
  for (const state of ['prepared', 'active', 'retiring', 'retired', 'compromised'] as const)
    await makeKey(prisma, vault, state)
  const elsewhere = await createSealedKeys(vault).generate(tokenKind('ES256'))
  await insertKey(prisma, { ...elsewhere, stored: { externalRef: { label: elsewhere.kid } } }, 'active')
  await createChallengeKeyring(prisma, vault, Date.now).rotate()
}

/**
 * Opens every sealed key, as a process with these key-encryption keys would. The result is the same as long as no
 * secret changes.
 */
export async function openAll(prisma: PrismaClient, vault: KeyVault): Promise<ReadonlyMap<string, string>> {
  const keys = createSealedKeys(vault)
  const rows = await prisma.jwksKey.findMany({ where: { wrappedKey: { not: null } }, orderBy: { kid: 'asc' } })
  const opened = new Map<string, string>()
  for (const row of rows) opened.set(row.kid, JSON.stringify((await keys.open(row)).publicJwk))
  for (const { id, wrappedKey, kekId } of await prisma.challengeKey.findMany({ orderBy: { id: 'asc' } }))
    opened.set(id, vault.open(wrappedKey, kekId, { purpose: 'challenge', id }).toString('hex'))
  for (const row of await prisma.signalStream.findMany({ where: { wrappedAuthorization: { not: null } } }))
    opened.set(row.id, String(openAuthorization(vault, toStream(row))))
  return opened
}
