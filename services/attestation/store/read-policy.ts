import { isJsonObject, type JsonObject } from '@auth4agent/core/encoding/strict-json'
import type { PrismaClient } from '../../../gen/prisma/client.ts'
import type { Tx } from '../../platform/db/db.ts'
import { type EnrolmentTerms, readEnrolmentTerms } from '../rules/enrolment-terms.ts'
import { type RequirementTerms, readRequirementTerms } from '../rules/requirement-terms.ts'

/** An attestor as it is stored. */
export interface AttestorRow {
  readonly id: string
  readonly operatorId: string
  readonly name: string
  readonly type: string
  readonly config: JsonObject
  /** Seconds. */
  readonly resultTtl: number
}

/** An enrolment rule as it is stored. */
export interface StoredRule {
  readonly id: string
  readonly edgeId: string
  readonly terms: EnrolmentTerms
}

/** What an operator demands of attestation. */
export interface AttestationPolicy {
  readonly rules: readonly StoredRule[]
  readonly requirements: readonly RequirementTerms[]
}

/** Reads what an operator demands of attestation. */
export async function readPolicy(prisma: PrismaClient | Tx, operatorId: string): Promise<AttestationPolicy> {
  const where = { operatorId }
  // One after the other, because a transaction has one connection.
  const rules = await prisma.enrolmentRule.findMany({ where, orderBy: { name: 'asc' } })
  const requirements = await prisma.attestationRequirement.findMany({ where, orderBy: { name: 'asc' } })
  return {
    rules: rules.map(({ id, edgeId, content }) => ({ id, edgeId, terms: readEnrolmentTerms(content) })),
    requirements: requirements.map(({ content }) => readRequirementTerms(content)),
  }
}

/** Reads the attestors of an operator that have these names. */
export async function readAttestors(
  prisma: PrismaClient | Tx,
  operatorId: string,
  names: readonly string[],
): Promise<AttestorRow[]> {
  const rows = await prisma.attestor.findMany({ where: { operatorId, name: { in: [...names] } } })
  return rows.map(({ id, name, type, config, resultTtl }) => {
    return { id, operatorId, name, type, config: configOf(config), resultTtl }
  })
}

/** The configuration was strict JSON when it was stored. */
function configOf(config: unknown): JsonObject {
  if (isJsonObject(config)) return config
  throw new Error('The stored configuration of an attestor is no JSON object')
}
