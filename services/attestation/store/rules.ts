import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { PrismaClient } from '../../../gen/prisma/client.ts'
import { type Author, change } from '../../ledger/ledger.ts'
import { lockActiveOperator, lockOperator } from '../../ledger/lock-operator.ts'
import type { Tx } from '../../platform/db/db.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { type Demands, invalidRule } from '../rules/demands.ts'
import type { EnrolmentTerms } from '../rules/enrolment-terms.ts'
import type { RequirementTerms } from '../rules/requirement-terms.ts'
import { lockExclusive } from './fair-lock.ts'
import { toStoredJson } from './stored-json.ts'

const MAX_RULES = 64
const MAX_REQUIREMENTS = 32
/** Bytes of all rules of an operator as JSON. An agent that enrols is compared with each. */
const MAX_RULES_SIZE = 65_536
/** Bytes of all requirements of an operator as JSON. The copy of each agent that authn keeps has their lists. */
const MAX_REQUIREMENTS_SIZE = 32_768

/**
 * Puts an enrolment rule. A changed rule gets another edge: a trigger writes the earlier one to the revocation log, so
 * the tokens of its agents end. Changes nothing when the rule is there already.
 *
 * @throws ApiError OPERATOR_NOT_FOUND, OPERATOR_NOT_ACTIVE, INVALID_RULE, TOO_MANY_RULES
 */
export function putRule(
  prisma: PrismaClient,
  author: Author,
  operatorId: string,
  terms: EnrolmentTerms,
): Promise<void> {
  const { name } = terms
  const where = { operatorId_name: { operatorId, name } }
  return change(prisma, author, async (tx, audit) => {
    await lockActiveOperator(tx, operatorId)
    await checkAttestors(tx, operatorId, terms)
    const content = toStoredJson(terms)
    const before = await tx.enrolmentRule.findUnique({ where })
    if (isDeepStrictEqual(before?.content, content)) return
    if (before !== null) await lockExclusive(tx, before.id)
    if (before === null && (await tx.enrolmentRule.count({ where: { operatorId } })) >= MAX_RULES) {
      throw new ApiError('TOO_MANY_RULES', `An operator must have at most ${MAX_RULES} enrolment rules`)
    }
    const others = await tx.enrolmentRule.findMany({ where: { operatorId, NOT: { name } }, select: { content: true } })
    checkSize('enrolment rules', [...others, { content }], MAX_RULES_SIZE)
    const data = { content, edgeId: randomUUID() }
    await tx.enrolmentRule.upsert({ where, create: { operatorId, name, ...data }, update: data })
    await audit({ action: 'enrolment-rule.put', subject: name, operatorId, reason: describe(terms) })
  })
}

/**
 * Deletes an enrolment rule. The agents that it has enrolled keep its id, which names no other rule, so they get no
 * token. A trigger writes its edge to the revocation log.
 *
 * @throws ApiError OPERATOR_NOT_FOUND, RULE_NOT_FOUND
 */
export function deleteRule(prisma: PrismaClient, author: Author, operatorId: string, name: string): Promise<void> {
  return change(prisma, author, async (tx, audit) => {
    await lockOperator(tx, operatorId)
    const rule = await tx.enrolmentRule.findUnique({ where: { operatorId_name: { operatorId, name } } })
    if (rule === null) throw new ApiError('RULE_NOT_FOUND')
    await lockExclusive(tx, rule.id)
    await tx.enrolmentRule.delete({ where: { id: rule.id } })
    await audit({ action: 'enrolment-rule.delete', subject: name, operatorId })
  })
}

/**
 * Puts a requirement. Changes nothing when the requirement is there already.
 *
 * @throws ApiError OPERATOR_NOT_FOUND, OPERATOR_NOT_ACTIVE, INVALID_RULE, TOO_MANY_RULES
 */
export function putRequirement(
  prisma: PrismaClient,
  author: Author,
  operatorId: string,
  terms: RequirementTerms,
): Promise<void> {
  const { name } = terms
  const where = { operatorId_name: { operatorId, name } }
  return change(prisma, author, async (tx, audit) => {
    await lockActiveOperator(tx, operatorId)
    await checkAttestors(tx, operatorId, terms)
    const content = toStoredJson(terms)
    const before = await tx.attestationRequirement.findUnique({ where })
    if (isDeepStrictEqual(before?.content, content)) return
    if (before === null && (await tx.attestationRequirement.count({ where: { operatorId } })) >= MAX_REQUIREMENTS) {
      throw new ApiError('TOO_MANY_RULES', `An operator must have at most ${MAX_REQUIREMENTS} requirements`)
    }
    const others = await tx.attestationRequirement.findMany({
      where: { operatorId, NOT: { name } },
      select: { content: true },
    })
    checkSize('requirements', [...others, { content }], MAX_REQUIREMENTS_SIZE)
    const create = { operatorId, name, content }
    await tx.attestationRequirement.upsert({ where, create, update: { content } })
    await audit({ action: 'attestation-requirement.put', subject: name, operatorId, reason: describe(terms) })
  })
}

/**
 * Deletes a requirement.
 *
 * @throws ApiError OPERATOR_NOT_FOUND, RULE_NOT_FOUND
 */
export function deleteRequirement(
  prisma: PrismaClient,
  author: Author,
  operatorId: string,
  name: string,
): Promise<void> {
  return change(prisma, author, async (tx, audit) => {
    await lockOperator(tx, operatorId)
    const { count } = await tx.attestationRequirement.deleteMany({ where: { operatorId, name } })
    if (count === 0) throw new ApiError('RULE_NOT_FOUND')
    await audit({ action: 'attestation-requirement.delete', subject: name, operatorId })
  })
}

/**
 * Refuses a rule that names an attestor that the operator does not have.
 *
 * @throws ApiError INVALID_RULE
 */
export async function checkAttestors(prisma: PrismaClient | Tx, operatorId: string, demands: Demands): Promise<void> {
  const names = [...demands.allOf, ...demands.anyOf]
  const rows = await prisma.attestor.findMany({ where: { operatorId, name: { in: names } }, select: { name: true } })
  const missing = names.find((name) => !rows.some((row) => row.name === name))
  if (missing !== undefined) throw invalidRule(`The operator has no attestor ${missing}`)
}

function checkSize(what: string, rows: readonly { readonly content: unknown }[], max: number): void {
  const size = rows.reduce((sum, { content }) => sum + Buffer.byteLength(JSON.stringify(content)), 0)
  if (size <= max) return
  throw new ApiError('TOO_MANY_RULES', `All ${what} of an operator must have at most ${max / 1024} KiB together`)
}

function describe({ allOf, anyOf, scopes }: EnrolmentTerms | RequirementTerms): string {
  const attestors = allOf.length > 0 ? `all of ${allOf.join(', ')}` : `one of ${anyOf.join(', ')}`
  return `${attestors}; scope ${JSON.stringify(scopes)}`
}
