import { isDeepStrictEqual } from 'node:util'
import type { JsonObject } from '@auth4agent/core/encoding/strict-json'
import type { Attestor, PrismaClient } from '../../../gen/prisma/client.ts'
import type { Call } from '../../calls/call.ts'
import { type Author, change } from '../../ledger/ledger.ts'
import { lockActiveOperator, lockOperator } from '../../ledger/lock-operator.ts'
import type { Tx } from '../../platform/db/db.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { readRequirementTerms } from '../rules/requirement-terms.ts'
import { lockExclusive } from './fair-lock.ts'
import { toStoredJson } from './stored-json.ts'

/** An attestor as the operator describes it, checked. */
export interface NewAttestor {
  readonly name: string
  readonly type: string
  readonly config: JsonObject
  /** Seconds. */
  readonly resultTtl: number
}

const MAX_ATTESTORS = 32

/** The author of a change that may need a further role. */
type PolicyAuthor = Author & Pick<Call, 'demandRole'>

/**
 * Puts an attestor. A replaced attestor gets a new id and loses its results and join tokens, unless `keepResults`. A
 * trigger writes the earlier id to the revocation log, so tokens that rest on the results end. The function changes
 * nothing when the attestor is there already.
 *
 * @throws ApiError OPERATOR_NOT_FOUND, OPERATOR_NOT_ACTIVE, INVALID_ATTESTOR, TOO_MANY_RULES, ROLE_REQUIRED
 */
export function putAttestor(
  prisma: PrismaClient,
  author: PolicyAuthor,
  operatorId: string,
  { name, type, config, resultTtl }: NewAttestor,
  keepResults: boolean,
): Promise<Attestor> {
  return change(prisma, author, async (tx, audit) => {
    await lockActiveOperator(tx, operatorId)
    const before = await findAttestor(tx, operatorId, name)
    if (before === null) await checkRoom(tx, operatorId)
    else if (before.type !== type) {
      throw new ApiError('INVALID_ATTESTOR', `type must stay ${before.type}: delete the attestor to change it`)
    } else if (before.resultTtl === resultTtl && isDeepStrictEqual(before.config, toStoredJson(config))) return before
    // What an attestor accepts is a part of each requirement that names it, also of one that waits for the attestor.
    if (await isRequired(tx, operatorId, name)) {
      author.demandRole?.('policy', 'to change an attestor that a requirement names')
    }
    const data = { config: toStoredJson(config), resultTtl }
    const isKept = before !== null && keepResults
    if (before !== null && !keepResults) {
      await lockExclusive(tx, before.id)
      await tx.attestor.delete({ where: { id: before.id } })
    }
    const row = isKept
      ? await tx.attestor.update({ where: { id: before.id }, data })
      : await tx.attestor.create({ data: { operatorId, name, type, ...data } })
    const reason = isKept ? `${type}; results are kept` : type
    await audit({ action: 'attestor.put', subject: name, operatorId, reason })
    return row
  })
}

/**
 * Deletes an attestor with its results and join tokens. A trigger writes its id to the revocation log.
 *
 * @returns the number of results
 * @throws ApiError OPERATOR_NOT_FOUND, ATTESTOR_NOT_FOUND
 */
export function deleteAttestor(
  prisma: PrismaClient,
  author: Author,
  operatorId: string,
  name: string,
): Promise<number> {
  return change(prisma, author, async (tx, audit) => {
    await lockOperator(tx, operatorId)
    const { id, type } = await getAttestor(tx, operatorId, name)
    await lockExclusive(tx, id)
    const { count } = await tx.attestationResult.deleteMany({ where: { attestorId: id } })
    await tx.attestor.delete({ where: { id } })
    await audit({ action: 'attestor.delete', subject: name, operatorId, reason: type })
    return count
  })
}

/**
 * Reads an attestor.
 *
 * @throws ApiError ATTESTOR_NOT_FOUND
 */
export async function getAttestor(prisma: PrismaClient | Tx, operatorId: string, name: string): Promise<Attestor> {
  const row = await findAttestor(prisma, operatorId, name)
  if (row === null) throw new ApiError('ATTESTOR_NOT_FOUND')
  return row
}

/** Lists the attestors of an operator by name. */
export function listAttestors(prisma: PrismaClient, operatorId: string): Promise<Attestor[]> {
  return prisma.attestor.findMany({ where: { operatorId }, orderBy: { name: 'asc' } })
}

async function isRequired(tx: Tx, operatorId: string, name: string): Promise<boolean> {
  const rows = await tx.attestationRequirement.findMany({ where: { operatorId }, select: { content: true } })
  return rows.some(({ content }) => {
    const { allOf, anyOf } = readRequirementTerms(content)
    return [...allOf, ...anyOf].includes(name)
  })
}

function findAttestor(prisma: PrismaClient | Tx, operatorId: string, name: string): Promise<Attestor | null> {
  return prisma.attestor.findUnique({ where: { operatorId_name: { operatorId, name } } })
}

async function checkRoom(tx: Tx, operatorId: string): Promise<void> {
  if ((await tx.attestor.count({ where: { operatorId } })) < MAX_ATTESTORS) return
  throw new ApiError('TOO_MANY_RULES', `An operator must have at most ${MAX_ATTESTORS} attestors`)
}
