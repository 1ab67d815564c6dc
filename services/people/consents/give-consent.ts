import { randomUUID } from 'node:crypto'
import type { PrismaClient } from '../../../gen/prisma/client.ts'
import { type Audit, type Author, change } from '../../ledger/ledger.ts'
import type { Tx } from '../../platform/db/db.ts'
import { ApiError } from '../../platform/errors/api-error.ts'

/** What a user has decided about one client at one audience. */
export interface Decision {
  readonly operatorId: string
  readonly subject: string
  /** Epoch of the user in the session that decides. A session that is ended decides nothing any more. */
  readonly epoch: number
  readonly clientId: string
  readonly audience: string
  readonly ownerId: string
  /** The scopes about which the user was asked, and those that the user allows. */
  readonly asked: readonly string[]
  readonly allowed: readonly string[]
  readonly clientDigest: string
  readonly clientAuth: string
}

interface Deps {
  readonly prisma: PrismaClient
  /** Returns the wall-clock time in Unix milliseconds. */
  readonly now: () => number
}

/** Most consents of a user. The row of the user is locked, so the number is exact. */
const MAX_CONSENTS = 200

/**
 * Stores what a user lets a client do. About scopes that stood not on the page, the user has decided nothing new. A
 * consent that becomes narrower gets another edge, so tokens that allow more end: a trigger writes the earlier one to
 * the revocation log.
 *
 * @param also what is written with the consent, or not at all
 * @returns the id of the consent
 * @throws ApiError USER_NOT_ALLOWED, SESSION_ENDED, TOO_MANY_CONSENTS, and as `also` does
 */
export function giveConsent(
  { prisma, now }: Deps,
  author: Author,
  decision: Decision,
  also?: (tx: Tx, audit: Audit, consentId: string) => Promise<void>,
): Promise<string> {
  const { operatorId, subject, clientId, audience, ownerId, asked, allowed, clientDigest, clientAuth } = decision
  return change(prisma, author, async (tx, audit) => {
    await lockUser(tx, decision)
    const key = { operatorId, subject, clientId, audience }
    const found = await tx.consent.findUnique({ where: { operatorId_subject_clientId_audience: key } })
    // An earlier owner of the audience let other things happen under the same names. A client that authenticates in
    // another way is another one: a thief of its code or refresh token must not use it without the proof.
    const isSame = found?.ownerId === ownerId && found.clientAuth === clientAuth
    const before = isSame ? found : undefined
    if (found !== null && before === undefined) await tx.consent.delete({ where: { id: found.id } })
    if (before === undefined && (await tx.consent.count({ where: { operatorId, subject } })) >= MAX_CONSENTS) {
      throw new ApiError('TOO_MANY_CONSENTS', `A user must have at most ${MAX_CONSENTS} consents`)
    }
    const was = before?.capabilities ?? []
    const capabilityOf = (scope: string) => `${audience}#${scope}`
    const gone = new Set(asked.filter((scope) => !allowed.includes(scope)).map(capabilityOf))
    const kept = was.filter((capability) => !gone.has(capability))
    const capabilities = [...new Set([...kept, ...allowed.map(capabilityOf)])].toSorted()
    const isNarrower = kept.length < was.length
    const edge = isNarrower && { edgeId: randomUUID() }
    const data = { capabilities, clientDigest, clientAuth, givenAt: new Date(now()), ...edge }
    const row =
      before === undefined
        ? await tx.consent.create({ data: { id: randomUUID(), ...key, ownerId, ...data } })
        : await tx.consent.update({ where: { id: before.id }, data })
    const reason = `user ${subject}; client ${clientId}; capabilities ${JSON.stringify(capabilities)}`
    const operators = [...new Set([operatorId, ownerId])]
    await audit(
      ...operators.map((id) => ({ action: 'consent.give', subject: row.id, operatorId: id, reason }) as const),
    )
    await also?.(tx, audit, row.id)
    return row.id
  })
}

async function lockUser(tx: Tx, { operatorId, subject, epoch }: Decision): Promise<void> {
  const rows = await tx.$queryRaw<{ status: string; epoch: number }[]>`
    SELECT status::text, epoch FROM users WHERE operator_id = ${operatorId}::uuid AND subject = ${subject} FOR NO KEY UPDATE`
  if (rows[0]?.status !== 'active') throw new ApiError('USER_NOT_ALLOWED', 'The user is not active')
  if (rows[0].epoch !== epoch) throw new ApiError('SESSION_ENDED')
}
