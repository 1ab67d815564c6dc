import type { PrismaClient } from '../../gen/prisma/client.ts'
import { type Author, change } from '../ledger/ledger.ts'
import type { WrappedRecord } from '../platform/crypto/key-wrap.ts'
import type { Tx } from '../platform/db/db.ts'
import { type KeyVault, type Sealed, WrongKeyError } from './key-vault.ts'

/** A sealed secret of any table. */
interface SealedRow {
  readonly record: WrappedRecord
  readonly wrapped: Uint8Array<ArrayBuffer>
  readonly kekId: string | null
  /**
   * Writes the new sealed secret, unless the row has changed since it was read. Returns the number of changed rows.
   */
  replace(tx: Tx, sealed: Sealed): Promise<number>
}

/** The columns of a signing key that is sealed in its row. */
interface SealedSigningKey {
  readonly kid: string
  readonly purpose: string
  readonly wrappedKey: Uint8Array<ArrayBuffer>
  readonly kekId: string | null
}

/** The secret of this deployment at a foreign issuer. */
interface SealedIssuerSecret {
  readonly id: string
  readonly wrappedSecret: Uint8Array<ArrayBuffer>
  readonly kekId: string | null
}

/** The Authorization header of a receiver of security events. */
interface SealedAuthorization {
  readonly id: string
  readonly wrappedAuthorization: Uint8Array<ArrayBuffer>
  readonly kekId: string | null
}

/** The client secret of this deployment at an identity provider. */
interface SealedProviderSecret {
  readonly id: string
  readonly wrappedSecret: Uint8Array<ArrayBuffer>
  readonly kekId: string
}

/** The key of the MACs in refresh tokens. */
interface SealedRefreshKey {
  readonly id: string
  readonly wrappedKey: Uint8Array<ArrayBuffer>
  readonly kekId: string
}

/** Dependencies of one pass of resealOld. */
interface Pass {
  readonly prisma: PrismaClient
  readonly vault: KeyVault
  readonly author: Author
}

/** Opens every sealed secret in the database. Throws WrongKeyError when one does not open. Writes nothing. */
export async function checkSealed(prisma: PrismaClient, vault: KeyVault): Promise<void> {
  for (const { record, wrapped, kekId } of await readSealed(prisma)) vault.open(wrapped, kekId, record).fill(0)
}

/** Counts the secrets that are sealed under another KEK. */
export async function countSealedUnderOthers(prisma: PrismaClient, kekId: string): Promise<number> {
  return (await readSealedUnderOthers(prisma, kekId)).length
}

/**
 * Finds each secret that is sealed under an old KEK, and seals it again under the current KEK of the vault. Each row
 * and its audit record are written in one transaction. So a pass may stop at any row, and the next pass continues with
 * the remaining rows.
 * Several processes may run a pass at the same time.
 * @returns the number of changed rows
 * @throws WrongKeyError when a row cannot be opened: after all other rows have been sealed again. That row stays
 *   unchanged.
 */
export async function resealOld({ prisma, vault, author }: Pass): Promise<number> {
  let count = 0
  let problem: WrongKeyError | undefined
  for (const row of await readSealedUnderOthers(prisma, vault.kekId)) {
    try {
      count += await resealRow({ prisma, vault, author }, row)
    } catch (error) {
      if (!(error instanceof WrongKeyError)) throw error
      problem ??= error
    }
  }
  if (problem !== undefined) throw problem
  return count
}

async function resealRow({ prisma, vault, author }: Pass, row: SealedRow): Promise<number> {
  const { record, wrapped, kekId } = row
  const sealed = vault.reseal(wrapped, kekId, record)
  return change(prisma, author, async (tx, audit) => {
    const count = await row.replace(tx, sealed)
    if (count > 0) await audit({ action: 'key.rewrap', subject: record.id, reason: `from ${kekId} to ${sealed.kekId}` })
    return count
  })
}

async function readSealedUnderOthers(prisma: PrismaClient, ownId: string): Promise<SealedRow[]> {
  return (await readSealed(prisma)).filter(({ kekId }) => kekId !== ownId)
}

/** Reads every sealed secret. Retired and compromised keys and keys in a hardware token have no sealed secret. */
async function readSealed(prisma: PrismaClient): Promise<SealedRow[]> {
  // Raw SQL, so that keys with a purpose of a newer version are sealed again too. Prisma cannot read such rows.
  const signing = await prisma.$queryRaw<SealedSigningKey[]>`
    SELECT kid, purpose::text, wrapped_key AS "wrappedKey", kek_id AS "kekId" FROM jwks_keys
    WHERE wrapped_key IS NOT NULL`
  const challenge = await prisma.challengeKey.findMany()
  const issuers = await prisma.$queryRaw<SealedIssuerSecret[]>`
    SELECT id::text, wrapped_secret AS "wrappedSecret", kek_id AS "kekId" FROM issuers WHERE wrapped_secret IS NOT NULL`
  const streams = await prisma.$queryRaw<SealedAuthorization[]>`
    SELECT id::text, wrapped_authorization AS "wrappedAuthorization", kek_id AS "kekId" FROM signal_streams
    WHERE wrapped_authorization IS NOT NULL`
  const providers = await prisma.$queryRaw<SealedProviderSecret[]>`
    SELECT id::text, wrapped_secret AS "wrappedSecret", kek_id AS "kekId" FROM identity_providers`
  const refresh = await prisma.$queryRaw<SealedRefreshKey[]>`
    SELECT refresh_key_id AS id, wrapped_refresh_key AS "wrappedKey", refresh_kek_id AS "kekId" FROM deployment
    WHERE refresh_key_id IS NOT NULL`
  return [
    ...signing.map(({ kid, purpose, wrappedKey, kekId }): SealedRow => {
      const where = { kid, kekId, wrappedKey }
      const replace = async (tx: Tx, sealed: Sealed) =>
        (await tx.jwksKey.updateMany({ where, data: { wrappedKey: sealed.wrapped, kekId: sealed.kekId } })).count
      return { record: { purpose, id: kid }, wrapped: wrappedKey, kekId, replace }
    }),
    ...challenge.map(({ id, wrappedKey, kekId }): SealedRow => {
      const where = { id, kekId, wrappedKey }
      const replace = async (tx: Tx, sealed: Sealed) =>
        (await tx.challengeKey.updateMany({ where, data: { wrappedKey: sealed.wrapped, kekId: sealed.kekId } })).count
      return { record: { purpose: 'challenge', id }, wrapped: wrappedKey, kekId, replace }
    }),
    ...issuers.map(({ id, wrappedSecret, kekId }): SealedRow => {
      const where = { id, kekId, wrappedSecret }
      const replace = async (tx: Tx, sealed: Sealed) =>
        (await tx.issuer.updateMany({ where, data: { wrappedSecret: sealed.wrapped, kekId: sealed.kekId } })).count
      return { record: { purpose: 'issuer', id }, wrapped: wrappedSecret, kekId, replace }
    }),
    ...providers.map(({ id, wrappedSecret, kekId }): SealedRow => {
      const where = { id, kekId, wrappedSecret }
      const replace = async (tx: Tx, sealed: Sealed) =>
        (await tx.identityProvider.updateMany({ where, data: { wrappedSecret: sealed.wrapped, kekId: sealed.kekId } }))
          .count
      return { record: { purpose: 'provider', id }, wrapped: wrappedSecret, kekId, replace }
    }),
    ...refresh.map(({ id, wrappedKey, kekId }): SealedRow => {
      const where = { refreshKeyId: id, refreshKekId: kekId, wrappedRefreshKey: wrappedKey }
      const replace = async (tx: Tx, sealed: Sealed) => {
        const data = { wrappedRefreshKey: sealed.wrapped, refreshKekId: sealed.kekId }
        return (await tx.deployment.updateMany({ where, data })).count
      }
      return { record: { purpose: 'refresh', id }, wrapped: wrappedKey, kekId, replace }
    }),
    ...streams.map(({ id, wrappedAuthorization, kekId }): SealedRow => {
      const where = { id, kekId, wrappedAuthorization }
      const replace = async (tx: Tx, { wrapped, kekId: newId }: Sealed) =>
        (await tx.signalStream.updateMany({ where, data: { wrappedAuthorization: wrapped, kekId: newId } })).count
      return { record: { purpose: 'stream', id }, wrapped: wrappedAuthorization, kekId, replace }
    }),
  ]
}
