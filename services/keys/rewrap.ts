import type { PrismaClient } from '../../gen/prisma/client.ts'
import { type Author, change } from '../ledger/ledger.ts'
import type { WrappedRecord } from '../platform/crypto/key-wrap.ts'
import type { Tx } from '../platform/db/db.ts'
import { type KeyVault, type Sealed, WrongKeyError } from './key-vault.ts'

/** Something sealed, wherever its row is. */
interface SealedRow {
  readonly record: WrappedRecord
  readonly wrapped: Uint8Array<ArrayBuffer>
  readonly kekId: string | null
  /** Puts what was sealed again into the row, unless the row has changed since it was read. Answers how many rows it changed. */
  replace(tx: Tx, sealed: Sealed): Promise<number>
}

/** One pass over what is sealed. */
interface Pass {
  readonly prisma: PrismaClient
  readonly vault: KeyVault
  readonly author: Author
}

/** Throws WrongKeyError unless all that is sealed in the database opens. Writes nothing. */
export async function checkSealed(prisma: PrismaClient, vault: KeyVault): Promise<void> {
  for (const { record, wrapped, kekId } of await readSealed(prisma)) vault.open(wrapped, kekId, record).fill(0)
}

/** How many secrets are sealed under another key-encryption key than this one. */
export async function countSealedUnderOthers(prisma: PrismaClient, kekId: string): Promise<number> {
  return (await readSealedUnderOthers(prisma, kekId)).length
}

/**
 * One pass that seals again what is sealed under another key-encryption key, each row in a transaction of its own with its
 * audit. It may break off anywhere, and others may do the same: what is left is the next pass's, what is done is not done again.
 * Returns how many rows it changed. Throws WrongKeyError in the end where rows do not open; they are left as they are.
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

/** All that is sealed. Keys that are retired, compromised or elsewhere have nothing sealed. */
async function readSealed(prisma: PrismaClient): Promise<SealedRow[]> {
  const signing = await prisma.jwksKey.findMany({ where: { wrappedKey: { not: null } } })
  const challenge = await prisma.challengeKey.findMany()
  return [
    ...signing.flatMap(({ kid, purpose, wrappedKey, kekId }): SealedRow[] => {
      if (wrappedKey === null) return []
      const where = { kid, kekId, wrappedKey }
      const replace = async (tx: Tx, sealed: Sealed) =>
        (await tx.jwksKey.updateMany({ where, data: { wrappedKey: sealed.wrapped, kekId: sealed.kekId } })).count
      return [{ record: { purpose, id: kid }, wrapped: wrappedKey, kekId, replace }]
    }),
    ...challenge.map(({ id, wrappedKey, kekId }): SealedRow => {
      const where = { id, kekId, wrappedKey }
      const replace = async (tx: Tx, sealed: Sealed) =>
        (await tx.challengeKey.updateMany({ where, data: { wrappedKey: sealed.wrapped, kekId: sealed.kekId } })).count
      return { record: { purpose: 'challenge', id }, wrapped: wrappedKey, kekId, replace }
    }),
  ]
}
