import { type KeyObject, randomBytes } from 'node:crypto'
import type { PrismaClient } from '../../../gen/prisma/client.ts'
import { encodeBase64url } from '../../shared/crypto/base64.ts'
import { importHmacKey } from '../../shared/crypto/hmac.ts'
import { type Author, change } from '../../shared/ledger/ledger.ts'
import type { KeyVault } from './key-vault.ts'

/** A MAC key of challenges, good for one slot of time. */
interface ChallengeKey {
  readonly id: string
  readonly slot: number
  readonly key: KeyObject
}

/** The MAC keys in use. Challenges of the previous, the current and the next slot are accepted. */
export interface ChallengeKeyring {
  current(): Promise<ChallengeKey>
  find(id: string): Promise<ChallengeKey | undefined>
  /** Reads the keys there are. Throws WrongKeyError when one of them does not open. */
  load(): Promise<void>
  /** Makes the keys of this slot and the next where they are missing, drops those that can open nothing any more. */
  rotate(): Promise<void>
}

const SLOT_MS = 24 * 3_600_000
const REREAD_INTERVAL_MS = 1_000
const SYSTEM: Author = { principal: { kind: 'system' }, requestId: 'challenge-keys' }

/**
 * A slot's number is its primary key, so instances that start together agree on one key without asking each other; the
 * next slot's key stands ready long before an instance with a fast clock uses it.
 */
export function createChallengeKeyring(prisma: PrismaClient, vault: KeyVault, now: () => number): ChallengeKeyring {
  let keys: readonly ChallengeKey[] = []
  let readAt = Number.NEGATIVE_INFINITY
  const currentSlot = () => Math.floor(now() / SLOT_MS)
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
  const rotate = inOneFlight(async () => {
    const slot = currentSlot()
    await read()
    for (const wanted of [slot, slot + 1]) {
      if (!keys.some((key) => key.slot === wanted)) await createKey(prisma, vault, wanted)
    }
    await dropOld(prisma, slot)
    await read()
  })
  const findLive = (matches: (key: ChallengeKey) => boolean) => keys.find((key) => matches(key) && isLive(key))
  const ofSlot = () => findLive(({ slot }) => slot === currentSlot())
  return {
    load: read,
    rotate,
    async current() {
      if (ofSlot() === undefined) await rotate()
      const key = ofSlot()
      if (key === undefined) throw new Error('the challenge key of this slot was not made')
      return key
    },
    async find(id) {
      const withId = () => findLive((key) => key.id === id)
      // Unknown ids are anybody's to invent. The wall clock may also have been set back since the last reading.
      if (withId() === undefined && Math.abs(now() - readAt) > REREAD_INTERVAL_MS) await reread()
      return withId()
    },
  }
}

function createKey(prisma: PrismaClient, vault: KeyVault, slot: number): Promise<void> {
  const id = encodeBase64url(randomBytes(9))
  const sealed = vault.seal(randomBytes(32), { purpose: 'challenge', id })
  return change(prisma, SYSTEM, async (tx, audit) => {
    const data = [{ slot: BigInt(slot), id, wrappedKey: sealed.wrapped, kekId: sealed.kekId }]
    const { count } = await tx.challengeKey.createMany({ data, skipDuplicates: true })
    if (count > 0) await audit({ action: 'challenge-key.create', subject: id })
  })
}

/** Drops what is old by both clocks: one that runs ahead must not take away the keys that the other instances use. */
async function dropOld(prisma: PrismaClient, slot: number): Promise<void> {
  await prisma.$executeRaw`
    DELETE FROM challenge_keys
    WHERE slot < LEAST(${BigInt(slot)}, floor(extract(epoch FROM now()) * 1000 / ${SLOT_MS}::int)::bigint) - 1`
}

/** Callers at the same time share one run of the work. */
function inOneFlight(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined
  return () => {
    running ??= work().finally(() => {
      running = undefined
    })
    return running
  }
}
