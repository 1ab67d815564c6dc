import type { Client } from 'pg'
import type { BenchOperator } from '../contenders/enrol.ts'

const AGENTS_A_STATEMENT = 50_000
/** A transaction reads every version of the log's head that it has written, so it must not have many revocations. */
const REVOCATIONS_A_TRANSACTION = 500

/** Inserts agents whose keys have no private half. These agents only fill the tables and never sign in. */
const INSERT_AGENTS = `WITH keys AS MATERIALIZED (
    SELECT gen_random_uuid() AS id, sha256(convert_to('key ' || n, 'UTF8')) AS public_key
    FROM generate_series($3::int, $4::int) AS n
  ), agents AS (
    INSERT INTO agents (id, operator_id, did, status, allowed_scopes, approved_at)
    SELECT id, $1, 'did:agent:' || $2::text || ':' || substr(encode(sha256(public_key), 'hex'), 1, 32), 'active', '{read}', now()
    FROM keys
  )
  INSERT INTO agent_keys (agent_id, public_key, thumbprint)
  SELECT id, public_key, rtrim(translate(encode(sha256(convert_to(concat('{"crv":"Ed25519","kty":"OKP","x":"',
    rtrim(translate(encode(public_key, 'base64'), '+/', '-_'), '='), '"}'), 'UTF8')), 'base64'), '+/', '-_'), '=')
  FROM keys`
/** Revokes tokens. The triggers of the table write the log. */
const REVOKE = `INSERT INTO revoked_tokens (operator_id, jti, expires_at)
  SELECT $1, gen_random_uuid()::text, now() + interval '1 hour' FROM generate_series(1, $2::int)`

/** Adds agents numbered `from` to `to`, spread over the operators. */
export async function addAgents(
  db: Client,
  operators: readonly BenchOperator[],
  from: number,
  to: number,
): Promise<void> {
  await db.query('UPDATE deployment SET max_agents = NULL')
  for (let first = from; first <= to; first += AGENTS_A_STATEMENT) {
    const operator = operators[Math.floor(first / AGENTS_A_STATEMENT) % operators.length]
    if (operator === undefined) throw new RangeError('Agents need an operator')
    const last = Math.min(first + AGENTS_A_STATEMENT - 1, to)
    await db.query(INSERT_AGENTS, [operator.id, operator.domain, first, last])
  }
}

/** Revokes this many tokens of an operator, each of which would be valid for an hour. */
export async function addRevocations(db: Client, operator: BenchOperator, count: number): Promise<void> {
  for (let done = 0; done < count; done += REVOCATIONS_A_TRANSACTION) {
    await db.query(REVOKE, [operator.id, Math.min(REVOCATIONS_A_TRANSACTION, count - done)])
  }
}
