import { randomUUID } from 'node:crypto'
import { isUuid } from '@auth4agent/core/encoding/uuid'
import type pg from 'pg'
import type { IssuerSubject, PrismaClient } from '../../../../gen/prisma/client.ts'
import { type Author, change } from '../../../ledger/ledger.ts'
import { ApiError } from '../../../platform/errors/api-error.ts'
import { cutTimedPage, parsePageSize, parseTimedToken, type TimedPage } from '../../../platform/requests/page.ts'
import { type IssuerStore, lockIssuer } from '../store.ts'
import type { NewSubject } from './domain/read-new-subject.ts'

/** Dependencies of the functions that change rules. */
type SubjectStore = Pick<IssuerStore, 'prisma' | 'now'>

/** What a rule lets agents do for a user. */
export interface SubjectRule extends Pick<IssuerSubject, 'audiences' | 'scopes' | 'subject'> {
  /** The token names it, and ends with it. */
  readonly edgeId: string
}

/** Maximum number of rules of an identity provider. */
const MAX_SUBJECTS = 10_000

/**
 * Puts a rule about a subject. A rule about the same subject and operator gets a new id, so its tokens end: a trigger
 * writes the earlier id to the revocation log. Changes nothing when the rule is there already.
 *
 * @throws ApiError ISSUER_NOT_FOUND, TOO_MANY_SUBJECTS, INVALID_ARGUMENT
 */
export function putSubject(
  { prisma, now }: SubjectStore,
  author: Author,
  issuerId: string,
  rule: NewSubject,
): Promise<IssuerSubject> {
  return change(prisma, author, async (tx, audit) => {
    const issuer = await lockIssuer(tx, issuerId)
    if (issuer.kind !== 'oauth') throw new ApiError('INVALID_ARGUMENT', 'id must name an issuer of the kind oauth')
    const { tenant, sub, operatorId } = rule
    const key = { issuerId_tenant_sub_operatorId: { issuerId, tenant, sub, operatorId } }
    const before = await tx.issuerSubject.findUnique({ where: key })
    if (before !== null && isSame(before, rule)) return before
    if (before === null && (await tx.issuerSubject.count({ where: { issuerId } })) >= MAX_SUBJECTS) {
      throw new ApiError('TOO_MANY_SUBJECTS', `An identity provider must have at most ${MAX_SUBJECTS} rules`)
    }
    const data = { ...rule, issuerId, edgeId: randomUUID(), putAt: new Date(now()) }
    const row = await tx.issuerSubject.upsert({ where: key, create: data, update: data })
    await audit({ action: 'issuer.put-subject', subject: issuer.issuer, operatorId, reason: describe(row) })
    return row
  })
}

/**
 * Removes a rule. A trigger writes its id to the revocation log.
 *
 * @throws ApiError ISSUER_NOT_FOUND, SUBJECT_NOT_FOUND
 */
export function removeSubject(
  { prisma }: SubjectStore,
  author: Author,
  { id, rule }: { readonly id: string; readonly rule: string },
  reason: string,
): Promise<IssuerSubject> {
  return change(prisma, author, async (tx, audit) => {
    const { issuer } = await lockIssuer(tx, id)
    const row = isUuid(rule) ? await tx.issuerSubject.findUnique({ where: { edgeId: rule } }) : null
    if (row === null || row.issuerId !== id) throw new ApiError('SUBJECT_NOT_FOUND')
    await tx.issuerSubject.delete({ where: { edgeId: rule } })
    const { operatorId } = row
    const parts = [describe(row), ...(reason === '' ? [] : [reason])]
    await audit({ action: 'issuer.remove-subject', subject: issuer, operatorId, reason: parts.join('; ') })
    return row
  })
}

/**
 * Lists the rules of an identity provider, newest first.
 *
 * @throws ApiError ISSUER_NOT_FOUND, INVALID_ARGUMENT, INVALID_PAGE_TOKEN
 */
export async function listSubjects(
  prisma: PrismaClient,
  { id, pageSize, pageToken }: { readonly id: string; readonly pageSize: number; readonly pageToken: string },
): Promise<TimedPage<IssuerSubject>> {
  const size = parsePageSize(pageSize)
  const after = parseTimedToken(pageToken)
  const issuer = isUuid(id) ? await prisma.issuer.findUnique({ where: { id }, select: { id: true } }) : null
  if (issuer === null) throw new ApiError('ISSUER_NOT_FOUND')
  const earlier = after && { OR: [{ putAt: { lt: after.at } }, { putAt: after.at, edgeId: { lt: after.id } }] }
  const rows = await prisma.issuerSubject.findMany({
    where: { issuerId: id, ...earlier },
    orderBy: [{ putAt: 'desc' }, { edgeId: 'desc' }],
    take: size + 1,
  })
  return cutTimedPage(rows, size, ({ putAt, edgeId }) => ({ at: putAt, id: edgeId }))
}

/** Finds the only rule about a subject that counts for the agents of an operator. Reads the primary. */
export async function findRule(
  pool: pg.Pool,
  issuerId: string,
  { tenant, sub }: Pick<IssuerSubject, 'tenant' | 'sub'>,
  operatorId: string,
): Promise<SubjectRule | undefined> {
  const { rows } = await pool.query<SubjectRule>({
    name: 'find-subject-rule',
    text: `SELECT edge_id AS "edgeId", subject, audiences, scopes FROM issuer_subjects
      WHERE issuer_id = $1 AND tenant = $2 AND sub = $3 AND operator_id = $4`,
    values: [issuerId, tenant, sub, operatorId],
  })
  return rows[0]
}

function isSame(row: IssuerSubject, { subject, audiences, scopes }: NewSubject): boolean {
  return row.subject === subject && isSameSet(row.audiences, audiences) && isSameSet(row.scopes, scopes)
}

function isSameSet(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((each) => right.includes(each))
}

function describe({ tenant, sub, subject, audiences, scopes }: IssuerSubject): string {
  const at = tenant === '' ? '' : ` at tenant ${JSON.stringify(tenant)}`
  return `${JSON.stringify(sub)}${at} is ${subject}; scope ${JSON.stringify(scopes)}; audience ${JSON.stringify(audiences)}`
}
