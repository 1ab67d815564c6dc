import type { PrismaClient } from '../../../gen/prisma/client.ts'
import { type Author, change } from '../../ledger/ledger.ts'
import type { Logger } from '../../platform/log/log.ts'
import type { FederationRule } from '../domain/refusal.ts'
import type { VerifiedChain } from '../domain/verify-chain.ts'
import { noteProblem, readChainOf, storeChain } from './chain-store.ts'
import type { FindChain } from './find-chain.ts'
import { type ChainRow, verifyStored } from './known-chain.ts'

/** Thrown when an issuer has no chain that holds. The message is for the log. */
export class NoChain extends Error {
  override readonly name = 'NoChain'
  readonly why: FederationRule

  constructor(why: FederationRule, message: string) {
    super(message)
    this.why = why
  }
}

/** A chain that holds now, and the id of its row. */
interface CurrentChain {
  readonly id: string
  readonly chain: VerifiedChain
  /** When a new chain is looked for, in Unix milliseconds. */
  readonly dueAt: number
}

/** Dependencies of createCurrentChain. */
export interface CurrentChainDeps {
  readonly prisma: PrismaClient
  readonly findChain: FindChain
  /** Returns the wall-clock time in Unix milliseconds. */
  readonly now: () => number
  readonly log: Pick<Logger, 'warn'>
}

/**
 * Returns the chain of an admitted issuer. Searches for a new one when half of its time has passed, and only to the
 * issuer's own anchor. While the search fails, the last chain counts until it expires.
 *
 * @throws NoChain
 */
export type GetCurrentChain = (author: Author, subject: string, anchorId: string) => Promise<CurrentChain>

function toCurrent({ id, refreshAt }: ChainRow, chain: VerifiedChain): CurrentChain {
  return { id, chain, dueAt: refreshAt.getTime() }
}

/** Creates the function. */
export function createCurrentChain({ prisma, findChain, now, log }: CurrentChainDeps): GetCurrentChain {
  const renew = async (author: Author, subject: string, anchorId: string): Promise<CurrentChain> => {
    const anchor = await prisma.trustAnchor.findUnique({ where: { entityId: anchorId } })
    if (anchor === null) throw new NoChain('ANCHOR_UNKNOWN', `${anchorId} is not a trust anchor`)
    const search = await findChain(subject, anchorId)
    if (!search.ok) {
      log.warn({ subject, anchor: anchorId, deadEnds: search.deadEnds }, 'the chain of an issuer was not found')
      throw new NoChain(search.rule, search.text)
    }
    const stored = await change(prisma, author, (tx, audit) => storeChain({ tx, audit, now: now() }, search.found))
    if (!stored.ok) throw new NoChain(stored.rule, stored.text)
    return toCurrent(stored.row, stored.chain)
  }

  const readLast = async (subject: string, anchorId: string): Promise<CurrentChain | undefined> => {
    const row = await readChainOf(prisma, subject)
    const known = row?.anchorId === anchorId ? verifyStored(row, now()) : undefined
    return row !== null && known?.ok === true ? toCurrent(row, known.chain) : undefined
  }

  return async (author, subject, anchorId) => {
    const last = await readLast(subject, anchorId)
    if (last !== undefined && last.dueAt > now()) return last
    try {
      return await renew(author, subject, anchorId)
    } catch (error) {
      // The pins may have been replaced meanwhile, so the last chain is read again.
      const left = error instanceof NoChain ? await readLast(subject, anchorId) : undefined
      if (!(error instanceof NoChain) || left === undefined) throw error
      await noteProblem(prisma, subject, error.why)
      return left
    }
  }
}
