import { randomUUID } from 'node:crypto'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { afterAll, beforeAll, beforeEach } from 'vitest'
import { AddIssuerRequestSchema } from '../../gen/proto/auth4agent/v1/issuers_pb.ts'
import { createKeyVault } from '../../services/keys/key-vault.ts'
import type { Outbound } from '../../services/platform/outbound/outbound.ts'
import { OutboundError } from '../../services/platform/outbound/outbound-error.ts'
import { readNewIssuer } from '../../services/trust/issuers/domain/read-new-issuer.ts'
import * as store from '../../services/trust/issuers/store.ts'
import { type TestDatabase, testDatabase } from './database.ts'
import { asAdmin } from './identity.ts'

/** The issuer of the deployment in these tests. */
const OURS = 'https://auth.alpha.net'
const START = Date.UTC(2026, 0, 15, 10)

/** An answer of a fake server: a value for its body, or an error. */
type FakeAnswer = Partial<Awaited<ReturnType<Outbound['get']>>> & { readonly json?: unknown }

/** Answers requests to the outside from memory. A request for any other URL fails with UNREACHABLE. */
export function fakeOutbound() {
  const answers = new Map<string, FakeAnswer | OutboundError>()
  const asked: string[] = []
  const get: Outbound['get'] = async (url) => {
    asked.push(url)
    const answer = answers.get(url) ?? new OutboundError('UNREACHABLE', `${url} cannot be reached`)
    if (answer instanceof OutboundError) throw answer
    const { json, body = Buffer.from(JSON.stringify(json)) } = answer
    return { mediaType: 'application/json', maxAgeS: undefined, date: undefined, ...answer, body }
  }
  return { get, answers, asked }
}

/** Opens a database for a test file, and empties the tables of issuers before each test. */
export function useIssuers() {
  let database: TestDatabase
  const clock = { ms: START }
  const vault = createKeyVault(new Uint8Array(32).fill(7))
  const now = () => clock.ms
  beforeAll(async () => {
    database = await testDatabase()
  })
  afterAll(() => database.drop())
  beforeEach(async () => {
    clock.ms = START
    const tables = 'issuer_domains, issuer_keys, trust_proposals, issuers, audit_logs, operators, jwks_keys'
    const client = await database.db.pool.connect()
    try {
      // Audit records and statements cannot be deleted, except by a session that switches its triggers off.
      await client.query('SET session_replication_role = replica')
      await client.query(`TRUNCATE trust_statements, ${tables} CASCADE`)
      await client.query('SET session_replication_role = DEFAULT')
    } finally {
      client.release()
    }
  })
  const issuers = (): store.IssuerStore => ({ prisma: database.db.prisma, vault, now, skewMs: 10_000 })
  return {
    clock,
    now,
    vault,
    db: () => database.db,
    issuers,
    /** Admits an issuer. */
    add: async (fields: Omit<MessageInitShape<typeof AddIssuerRequestSchema>, '$typeName'>) => {
      const request = create(AddIssuerRequestSchema, { kind: 'auth4agent', revocationMode: 'none', ...fields })
      const issuer = await readNewIssuer(request, { ourIssuer: OURS, testDomains: true })
      return store.addIssuer(issuers(), asAdmin(), issuer)
    },
    /** Returns the audit as `action subject: reason`, oldest first. */
    audit: async () => {
      const rows = await database.db.prisma.auditLog.findMany({ orderBy: { id: 'asc' } })
      return rows.map(({ action, subject, reason }) => `${action} ${subject}: ${reason}`)
    },
    /** Returns the records of the revocation log as `kind subject minimum`, oldest first. */
    records: async () => {
      const { rows } = await database.db.pool.query<{ text: string }>(
        `SELECT kind || ' ' || subject || ' ' || minimum_epoch AS text FROM revocation_log ORDER BY sequence`,
      )
      return rows.map(({ text }) => text)
    },
    /** Inserts a live statement about an operator elsewhere, of which the tests need only the names. */
    name: async (
      subject: { readonly home: string; readonly domain: string; readonly id: string },
      edits: object = {},
    ) => {
      const base = {
        edgeId: randomUUID(),
        jti: randomUUID(),
        kind: 'lets_call',
        signerId: randomUUID(),
        home: OURS,
        domain: 'acme.com',
        subjectId: subject.id,
        subjectHome: subject.home,
        subjectDomain: subject.domain,
        depth: 0,
        grants: [],
        isPublic: false,
        version: 1,
        issuedAt: new Date(START),
        notBefore: new Date(START),
        expiresAt: new Date(START + 86_400_000_000),
        statement: 'x',
        kid: 'k'.repeat(43),
      } as const
      await database.db.prisma.trustStatement.create({ data: { ...base, aud: [OURS], ...edits } })
    },
  }
}
