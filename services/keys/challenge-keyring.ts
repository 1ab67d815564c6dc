import { randomBytes } from 'node:crypto'
import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import type { PrismaClient } from '../../gen/prisma/client.ts'
import { type Author, change, systemAuthor } from '../ledger/ledger.ts'
import { type HmacKey, importHmacKey } from '../platform/crypto/hmac.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { KeyVault } from './key-vault.ts'

/** A key that seals challenges (HMAC) during one slot of time. */
interface ChallengeKey {
  readonly id: string
  readonly slot: number
  readonly key: HmacKey
}

/** The challenge keys in use: those of the previous, the current and the next slot. */
export interface ChallengeKeyring {
  /**
   * Returns the key of the current slot. Creates the key only if no challenge key exists, as after the end of all
   * tokens of the deployment. A caller that asks for challenges cannot cause this, so it cannot cause writes.
   * @throws ApiError UNAVAILABLE when a key of another slot exists but no key of this slot
   */
  current(): Promise<ChallengeKey>
  /** Finds a key of the previous, the current or the next slot by its id. */
  find(id: string): Promise<ChallengeKey | undefined>
  /** Creates missing keys of the current and the next slot. Deletes keys that can no longer open any challenge. */
  rotate(): Promise<void>
}

const SLOT_MS = 24 * 3_600_000
const REREAD_INTERVAL_MS = 1_000

/**
 * Creates the keyring. The slot number is the primary key of the table, so processes that start together get the same
 * key. `rotate` creates the key of the next slot about a day before that slot begins, so requests only read.
 */
export function createChallengeKeyring(prisma: PrismaClient, vault: KeyVault, now: () => number): ChallengeKeyring {
  let keys: readonly ChallengeKey[] = []
  let readAt = Number.NEGATIVE_INFINITY
  const currentSlot = () => Math.floor(now() / SLOT_MS)
  const isCurrent = ({ slot }: ChallengeKey) => slot === currentSlot()
  const isLive = ({ slot }: ChallengeKey) => Math.abs(slot - currentSlot()) <= 1

  const read = async () => {
    const startedAt = now()
    const rows = await prisma.challengeKey.findMany()
    keys = rows.map((row) => ({
      id: row.id,
      slot: Number(row.slot),
      key: importHmacKey(vault.open(row.wrappedKey, row.kekId, { purpose: 'challenge', id: row.id })),
    }))
    readAt = startedAt
  }
  const reread = inOneFlight(read)
  /**
   * Reads the keys again, but at most once per second, because a caller can invent unknown ids. `Math.abs` is needed
   * because the wall clock may have been set back.
   */
  const rereadUnlessFresh = async () => {
    if (Math.abs(now() - readAt) > REREAD_INTERVAL_MS) await reread()
  }
  const rotate = inOneFlight(async () => {
    const slot = currentSlot()
    const author = systemAuthor('challenge-keys')
    await read()
    for (const wanted of [slot, slot + 1]) {
      if (!keys.some((key) => key.slot === wanted)) await createKey(prisma, vault, author, wanted)
    }
    await dropOld(prisma, slot)
    await read()
  })
  const findLive = async (matches: (key: ChallengeKey) => boolean) => {
    const find = () => keys.find((key) => matches(key) && isLive(key))
    if (find() === undefined) await rereadUnlessFresh()
    return find()
  }
  return {
    rotate,
    async current() {
      const found = await findLive(isCurrent)
      if (found === undefined && keys.length === 0) await rotate()
      const key = found ?? keys.find(isCurrent)
      if (key === undefined)
        throw new ApiError('UNAVAILABLE', 'The challenge key of this day does not exist yet; try again', {
          retryAfter: 1,
        })
      return key
    },
    find: (id) => findLive((key) => key.id === id),
  }
}

function createKey(prisma: PrismaClient, vault: KeyVault, author: Author, slot: number): Promise<void> {
  const id = encodeBase64url(randomBytes(9))
  const sealed = vault.seal(randomBytes(32), { purpose: 'challenge', id })
  return change(prisma, author, async (tx, audit) => {
    const data = [{ slot: BigInt(slot), id, wrappedKey: sealed.wrapped, kekId: sealed.kekId }]
    const { count } = await tx.challengeKey.createMany({ data, skipDuplicates: true })
    if (count > 0) await audit({ action: 'challenge-key.create', subject: id })
  })
}

/**
 * Deletes keys that are old by this process's clock and by the database's clock. So a process whose clock is ahead
 * does not delete keys that other processes use.
 */
async function dropOld(prisma: PrismaClient, slot: number): Promise<void> {
  await prisma.$executeRaw`
    DELETE FROM challenge_keys
    WHERE slot < LEAST(${BigInt(slot)}, floor(extract(epoch FROM now()) * 1000 / ${SLOT_MS}::int)::bigint) - 1`
}

/** Wraps work so that simultaneous callers share one run of it. */
function inOneFlight(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined
  return () => {
    running ??= work().finally(() => {
      running = undefined
    })
    return running
  }
}
