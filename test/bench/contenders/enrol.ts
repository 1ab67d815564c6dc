import { randomUUID } from 'node:crypto'
import { operatorId } from '@auth4agent/core/identity/operator-id'
import type { Client } from 'pg'
import { type AgentParty, type Keys, newAgentParty, newKeys, thumbprintOf } from '../../support/parties.ts'

/** An operator whose database row says that its domain is proven. */
export interface BenchOperator {
  readonly id: string
  readonly domain: string
}

const INSERT_OPERATOR = `INSERT INTO operators
    (id, domain, root_public_key, root_key_thumbprint, status, domain_verified_at, next_proof_at)
  VALUES ($1, $2, $3, $4, 'active', now(), now() + interval '6 hours')`
const INSERT_AGENTS = `WITH given AS (
    SELECT * FROM unnest($2::uuid[], $3::text[], $4::bytea[], $5::text[]) AS given (id, did, public_key, thumbprint)
  ), agents AS (
    INSERT INTO agents (id, operator_id, did, status, allowed_scopes, max_delegation_depth, approved_at)
    SELECT id, $1, did, 'active', '{read}', 8, now() FROM given
  )
  INSERT INTO agent_keys (agent_id, public_key, thumbprint) SELECT id, public_key, thumbprint FROM given`

/** Inserts active operators into the database, with the rows that registration and proof would leave. */
export async function enrolOperators(
  db: Client,
  issuer: string,
  domains: readonly string[],
): Promise<readonly BenchOperator[]> {
  const operators: BenchOperator[] = []
  for (const domain of domains) {
    const keys = newKeys()
    const id = operatorId({ issuer, domain, thumbprint: thumbprintOf(keys) })
    await db.query(INSERT_OPERATOR, [id, domain, keys.publicKey, thumbprintOf(keys)])
    operators.push({ id, domain })
  }
  return operators
}

/**
 * Inserts active agents of an operator into the database, with the rows that registration and approval would leave.
 */
export async function enrolAgents(
  db: Client,
  { id, domain }: BenchOperator,
  count: number,
): Promise<readonly AgentParty[]> {
  const keys = Array.from({ length: count }, (): Keys => newKeys())
  const agents = keys.map((pair) => newAgentParty(domain, pair))
  await db.query(INSERT_AGENTS, [
    id,
    agents.map(() => randomUUID()),
    agents.map(({ did }) => did),
    keys.map(({ publicKey }) => publicKey),
    keys.map(thumbprintOf),
  ])
  return agents
}
