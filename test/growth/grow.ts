import type { Client } from 'pg'

/**
 * Tables that stay small, and why. Every other table can be made to grow, and is grown here: a new table without a
 * line in one of the two lists fails the test of statements.
 */
export const SMALL: Readonly<Record<string, string>> = {
  _prisma_migrations: 'one row for each migration',
  deployment: 'one row',
  revocation_head: 'one row',
  signal_dispatch: 'one row',
  jwks_keys: 'a few rows a month; every reader needs all of them',
  challenge_keys: 'one row a day, and old ones are removed',
  verifiers: 'one row for each process of the deployment',
  processes: 'one row for each process of the deployment',
  issuers: 'only the administrator adds issuers',
  trust_anchors: 'only the administrator adds anchors',
  subordinates: 'only the administrator adds subordinates',
  status_lists: 'one row for each million tokens with a place, and old ones are removed',
  signal_streams: 'at most 10,000 in the deployment',
  identity_providers: 'at most 10,000 in the deployment',
  issuer_keys: 'at most 64 issuers, each of which publishes at most 32 keys at a time',
  issuer_ended_keys: 'a part of issuer_keys',
  issuer_domains: 'at most 64 issuers with at most 10,000 domains each',
  trust_chains: 'one row for an issuer, or for a candidate that the administrator looked for in the last hour',
  issuer_subjects: 'only the administrator adds them, at most 10,000 for each issuer',
}

/** A UUID for a kind of object and a number. */
const id = (kind: string, n = 'n'): string => `md5('${kind}' || (${n}))::uuid`
/** One of 1,000 operators, which own the rows of the other tables: a thousandth of them each. */
const operator = id('operator', 'n % 1000')
const agent = id('agent')
const issuer = id('issuer', 'n % 8')
const soon = "now() + (n % 5000 - 2500) * interval '1 second'"
const sha = 'sha256(n::text::bytea)'
/** The ids of half a year, as the audit has them. The months to come are in the default partition. */
const timed = (kind: string): string =>
  `(left(first_id_of(now() + (n % 180 - 90) * interval '1 day')::text, 14) || substr(md5('${kind}' || n), 15, 4) || '-'
    || substr(md5('${kind}' || n), 1, 4) || '-' || substr(md5('${kind}' || n), 5, 12))::uuid`

/** For each table the columns that have no default, as expressions of the row's number `n`. */
const GROWN: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  operators: {
    id: id('operator'),
    domain: "'operator' || n || '.com'",
    root_public_key: sha,
    root_key_thumbprint: "'kid' || n",
    status: `(ARRAY['active', 'active', 'active', 'pending', 'lapsed'])[n % 5 + 1]::operator_status`,
    expires_at: `CASE n % 5 WHEN 3 THEN ${soon} END`,
    domain_verified_at: 'now()',
    next_proof_at: `CASE WHEN n % 5 < 3 THEN ${soon} END`,
  },
  operator_manifests: {
    operator_id: operator,
    seq: 'n / 1000',
    manifest: "'manifest' || n",
    changes_root: 'n % 50 = 0',
  },
  key_requests: {
    operator_id: operator,
    kid: "'kid' || n",
    request: "'request' || n",
    submitted_at: 'now()',
    // A job removes those that have waited for a day, so few have.
    expires_at: "now() + (n % 5000 - 50) * interval '1 second'",
  },
  users: {
    operator_id: operator,
    subject: "'user:' || n",
    provider_id: id('provider', 'n % 10000'),
    provider_edge: id('provider edge', 'n % 10000'),
    status: `(ARRAY['active', 'active', 'active', 'active', 'disabled'])[n % 5 + 1]::user_status`,
  },
  web_sessions: {
    id: "sha256(convert_to(n::text, 'UTF8'))",
    operator_id: operator,
    subject: "'user:' || n",
    epoch: '1',
    provider_id: id('provider', 'n % 10000'),
    provider_edge: id('provider edge', 'n % 10000'),
    signed_in_at: "now() - (n % 28000) * interval '1 second'",
    // A job removes those that have expired, so few have.
    expires_at: "now() + (n % 28800 - 50) * interval '1 second'",
  },
  clients: {
    operator_id: operator,
    client_id: "'https://c' || n || '.example/client.json'",
    status: "(ARRAY['allowed', 'blocked'])[n % 2 + 1]::client_status",
    edge_id: id('client edge'),
    name: "'client'",
    put_at: 'now()',
  },
  consents: {
    id: id('consent'),
    edge_id: id('consent edge'),
    operator_id: operator,
    subject: "'user:' || n",
    client_id: "'https://c' || n % 10000 || '.example/client.json'",
    audience: "'https://a' || n || '.operator.com'",
    owner_id: operator,
    capabilities: "ARRAY['https://a' || n || '.operator.com#read']",
    client_digest: "'digest'",
    given_at: "now() - n * interval '1 second'",
  },
  connections: {
    id: id('connection'),
    consent_id: id('consent'),
    scopes: "'{read}'",
    jkt: "''",
    client_edge: id('client'),
    vouched_at: 'now()',
    moved_at: 'now()',
    created_at: 'now()',
    used_at: "now() - n * interval '1 second'",
    // A job removes those that have expired, so few have.
    expires_at: "now() + (n % 5000 - 50) * interval '1 minute'",
  },
  device_requests: {
    id: id('device'),
    code_hash: 'sha256(n::text::bytea)',
    user_code: "'N' || n",
    owner_id: operator,
    client_id: "'https://c' || n % 10000 || '.example/client.json'",
    client_edge: id('client'),
    client_auth: "'none'",
    client_digest: "'digest'",
    audience: "'https://a' || n || '.operator.com'",
    scopes: "'{read}'",
    // A job removes those that have expired, so few have.
    expires_at: "now() + (n % 5000 - 50) * interval '1 second'",
  },
  operator_audiences: {
    operator_id: operator,
    audience: "'https://a' || n || '.operator.com'",
    callers: "'{a.com,b.com}'",
  },
  operator_audience_callers: {
    operator_id: operator,
    audience: "'https://a' || n / 8 || '.operator.com'",
    caller: "'c' || n % 5000 || '.com'",
    ended_at: 'CASE n % 4 WHEN 0 THEN now() END',
  },
  operator_audience_access: {
    operator_id: operator,
    audience: "'https://a' || n || '.operator.com'",
    ended_at: 'CASE n % 4 WHEN 0 THEN now() END',
  },
  operator_user_targets: {
    operator_id: operator,
    domain: "'c' || n || '.com'",
    ended_at: 'CASE n % 4 WHEN 0 THEN now() END',
  },
  agents: {
    id: agent,
    operator_id: operator,
    did: "'did:agent:operator' || n % 1000 || '.com:' || n",
    status: `(ARRAY['active', 'active', 'active', 'pending', 'suspended', 'revoked'])[n % 6 + 1]::agent_status`,
    allowed_scopes: "'{read}'",
    expires_at: `CASE n % 6 WHEN 3 THEN ${soon} END`,
    approved_at: 'now()',
    enrolment_rule_id: `CASE n % 3 WHEN 0 THEN ${id('rule', 'n % 1000')} END`,
    attested_until: `CASE n % 3 WHEN 0 THEN ${soon} END`,
  },
  agent_keys: {
    agent_id: id('agent', 'n - n % 2'),
    public_key: sha,
    thumbprint: "'kid' || n",
    retired_at: 'CASE n % 2 WHEN 1 THEN now() END',
  },
  agent_added_keys: { agent_id: agent, thumbprint: "'kid' || n", public_jwk: "'{}'", label: "''", expires_at: soon },
  agent_key_events: {
    agent_id: id('agent', 'n % 100'),
    seq: 'n / 100',
    type: "CASE n % 100 WHEN 0 THEN 'move' ELSE 'rotate' END::key_event_type",
    event: "'event' || n",
    digest: sha,
  },
  agent_pending_events: {
    agent_id: agent,
    type: "(ARRAY['recover', 'move'])[n % 2 + 1]::key_event_type",
    event: "'event' || n",
    digest: sha,
    requested_at: 'now()',
    effective_at: soon,
  },
  redemptions: {
    challenge_id: id('challenge'),
    jti: "'jti' || n",
    agent_id: agent,
    key_thumbprint: "'kid' || n",
    keep_until: soon,
  },
  revoked_tokens: { operator_id: operator, jti: "'jti' || n", expires_at: soon },
  status_entries: {
    list_id: id('list', 'n % 4'),
    idx: 'n / 4',
    part: '0',
    operator_id: operator,
    sub: "'did:agent:operator' || n % 1000 || '.com:' || n",
    jti: "'jti' || n",
    agent_epoch: '1',
    operator_epoch: '1',
    kid: "'kid'",
    edges: "'{}'",
    keep_until: soon,
  },
  revocation_log: {
    sequence: 'n',
    log_epoch: '1',
    kind: "(ARRAY['token', 'token', 'agent', 'operator', 'edge'])[n % 5 + 1]",
    operator_id: `CASE WHEN n % 5 < 4 THEN ${operator} END`,
    subject: "'jti' || n",
    minimum_epoch: '2',
    // Live records, as after a burst of revocations.
    expires_at: "now() + interval '1 hour' + n * interval '1 millisecond'",
    recorded_at: 'now()',
    previous_hash: sha,
    hash: sha,
  },
  trust_statements: {
    edge_id: id('statement'),
    jti: "'jti' || n",
    kind: `(ARRAY['lets-call', 'accepts-members-of', 'member', 'blocks'])[n % 4 + 1]::trust_kind`,
    signer_id: operator,
    home: "CASE n % 2 WHEN 0 THEN 'https://auth.example' ELSE 'https://foreign' || n % 8 || '.example' END",
    domain: "'operator' || n % 1000 || '.com'",
    subject_id: id('operator', 'n / 4'),
    subject_home: "'https://foreign' || n % 8 || '.example'",
    subject_domain: "'operator' || n / 4 || '.com'",
    depth: 'CASE n % 4 WHEN 1 THEN 1 ELSE 0 END',
    grants: "'[]'",
    aud: "'{}'",
    is_public: 'n % 2 = 0',
    version: 'n / 1000',
    issued_at: 'now()',
    not_before: 'now()',
    expires_at: soon,
    statement: "'statement' || n",
    kid: "'kid'",
    put_at: soon,
    replaced_at: 'CASE n % 8 WHEN 5 THEN now() END',
    issuer_id: `CASE n % 2 WHEN 1 THEN ${issuer} END`,
  },
  trust_proposals: {
    id: id('proposal'),
    proposer_id: operator,
    signer_id: operator,
    draft: "'{}'",
    created_at: soon,
    expires_at: soon,
  },
  operator_totals: {
    operator_id: id('operator'),
    what: "(ARRAY['agents', 'bytes'])[n % 2 + 1]",
    day: 'n % 2 * floor(extract(epoch FROM now()) / 86400)::int',
    amount: 'n',
  },
  used_assertions: { issuer: `(${operator})::text`, jti: "'jti' || n", keep_until: soon },
  audit_logs: {
    id: timed('audit'),
    operator_id: operator,
    actor: "'operator'",
    action: "CASE n % 5 WHEN 0 THEN 'agent.revoke' ELSE 'token.issue' END",
    subject: "'did:agent:operator' || n % 1000 || '.com:' || n",
    outcome: "CASE n % 9 WHEN 0 THEN 'refused' ELSE 'done' END::audit_outcome",
    request_id: "'request' || n",
    signed_request_id: `CASE n % 5 WHEN 0 THEN ${timed('signed')} END`,
  },
  signed_requests: { id: timed('signed'), rpc: "'RevokeAgent'", signatures: "'{}'", body_digest: "'digest'" },
  attestors: {
    id: id('attestor'),
    operator_id: operator,
    name: "'attestor' || n",
    type: "'tpm'",
    config: "'{}'",
    result_ttl: '60',
  },
  enrolment_rules: {
    id: id('rule'),
    operator_id: operator,
    name: "'rule' || n",
    content: `jsonb_build_object('expireUnused', CASE n % 50 WHEN 0 THEN 3600 ELSE 0 END)`,
  },
  attestation_requirements: {
    id: id('requirement'),
    operator_id: operator,
    name: "'requirement' || n",
    content: "'{}'",
  },
  attestation_results: {
    agent_id: agent,
    attestor_id: id('attestor', 'n % 1000'),
    key_thumbprint: "'kid'",
    claims: "'{}'",
    level: "'bound'",
    verified_at: 'now()',
    expires_at: soon,
  },
  attestation_uses: { id: sha, keep_until: soon },
  join_tokens: { id: id('join'), attestor_id: id('attestor', 'n % 1000'), digest: sha, label: "''", expires_at: soon },
  signal_subjects: {
    stream_id: id('stream', 'n / 100'),
    key: "'sub did:agent:operator' || n % 1000 || '.com:' || n",
    is_added: 'true',
  },
}

/** `columns` are expressions of the row's number `n`. */
interface Filling {
  readonly rows: number
  readonly columns: Readonly<Record<string, string>>
}

/** Small tables that are filled to their bound, because statements join them. */
const FULL: Readonly<Record<string, Filling>> = {
  signal_streams: {
    rows: 10_000,
    columns: {
      id: id('stream'),
      operator_id: id('operator', 'n / 5'),
      delivery_method: "(ARRAY['push', 'poll'])[n % 2 + 1]",
      endpoint_url: "CASE n % 2 WHEN 0 THEN 'https://receiver.com/' ELSE '' END",
      log_epoch: '1',
      sequence: 'n',
      hash: sha,
      newest: 'n + n % 2',
      next_attempt_at: `CASE n % 20 WHEN 0 THEN ${soon} END`,
    },
  },
}

/** The names of the tables that are grown. */
export const GROWN_TABLES: ReadonlySet<string> = new Set(Object.keys(GROWN))

/** Returns whether a table is grown, or is a partition of one that is. */
export function isGrown(table: string): boolean {
  return GROWN_TABLES.has(table.replace(/_(?:first|default|\d{4}_\d\d)$/, ''))
}

/**
 * Inserts this many rows into every table that can grow, and lets the planner learn about them. Each of the clients
 * takes one table after the other. The rows refer to each other like those of a deployment with 1,000 busy operators,
 * but triggers do not run.
 */
export async function grow(clients: readonly Pick<Client, 'query'>[], rows: number): Promise<void> {
  const grown = Object.entries(GROWN).map(([table, columns]) => [table, { rows, columns }] as const)
  const tables = [...grown, ...Object.entries(FULL)].values()
  await Promise.all(clients.map((client) => growNext(client, tables)))
  const [client] = clients
  await client?.query('UPDATE revocation_head SET sequence = (SELECT max(sequence) FROM revocation_log); ANALYZE')
}

async function growNext(client: Pick<Client, 'query'>, tables: Iterable<readonly [string, Filling]>): Promise<void> {
  await client.query('SET session_replication_role = replica; SET statement_timeout = 0; SET synchronous_commit = off')
  for (const [table, { rows, columns }] of tables) {
    const [names, values] = [Object.keys(columns), Object.values(columns)]
    await client.query(
      `INSERT INTO ${table} (${names.map((name) => `"${name}"`).join(', ')})
       SELECT ${values.join(', ')} FROM generate_series(1, ${rows}::int) AS n ON CONFLICT DO NOTHING`,
    )
  }
  await client.query('RESET session_replication_role')
}
