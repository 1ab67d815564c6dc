import { randomUUID } from 'node:crypto'
import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { draftClaims } from '@auth4agent/core/trust/read-draft'
import { TRUST_STATEMENT_TYPE, type TrustDraft } from '@auth4agent/core/trust/statement'
import type { JsonObject } from '@bufbuild/protobuf'
import type { Db } from '../../../services/platform/db/db.ts'
import { verifyTrustStatement } from '../../../services/trust/statements/domain/verify-statement.ts'
import { storeStatement } from '../../../services/trust/statements/store.ts'
import { ISSUER } from '../../support/assertions.ts'
import { signCompactJws } from '../../support/jws.ts'
import type { SeededOperator } from './seed.ts'

type Subject = Pick<SeededOperator, 'id' | 'domain'>

/** The version of the last statement of each signer, by its id, which no other world has. */
const versions = new Map<string, number>()

/** Returns the claims of a draft by which one operator lets another one call it. */
export function draftOf(signer: SeededOperator, subject: Subject): JsonObject {
  const draft: TrustDraft = {
    iss: signer.id,
    home: ISSUER,
    domain: signer.domain,
    sub: subject.id,
    subHome: ISSUER,
    subDomain: subject.domain,
    aud: [ISSUER],
    kind: 'lets-call',
    grants: [{ audience: `https://api.${signer.domain}`, scopes: { read: ['read'] } }],
    visibility: 'parties',
  }
  return JSON.parse(JSON.stringify(draftClaims(draft)))
}

/** Signs a statement by which one operator lets another one call it. Each has a higher version than the one before. */
export function statementOf(signer: SeededOperator, subject: Subject, edits: object = {}): string {
  const { publicKey, privateKey } = signer.pair
  const kid = thumbprint(publicKey)
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(publicKey) }
  const iat = Math.floor(Date.now() / 1_000)
  const version = (versions.get(signer.id) ?? 1) + 1
  versions.set(signer.id, version)
  const own = { jti: randomUUID(), version, iat, nbf: iat, exp: iat + 3_600 }
  const claims = { ...draftOf(signer, subject), ...own, ...edits }
  return signCompactJws({ alg: 'EdDSA', typ: TRUST_STATEMENT_TYPE, kid, jwk }, claims, privateKey)
}

/** Stores a statement of one operator about another, which may belong to another deployment. Returns its jti. */
export async function seedStatement(
  { prisma }: Db,
  signer: SeededOperator,
  subject: Subject,
  home = ISSUER,
): Promise<string> {
  const text = statementOf(signer, subject, { version: 1, sub_home: home })
  const verified = verifyTrustStatement(text)
  if (!verified.ok) throw new TypeError(verified.text)
  const { statement, thumbprint: kid } = verified
  await prisma.$transaction((tx) => storeStatement(tx, { statement, text, kid, at: new Date() }))
  return statement.jti
}

/** Stores a statement by which one operator blocks another one. Returns its jti. */
export async function seedBlock({ prisma }: Db, signer: SeededOperator, subject: Subject): Promise<string> {
  const text = statementOf(signer, subject, { kind: 'blocks', grants: undefined })
  const verified = verifyTrustStatement(text)
  if (!verified.ok) throw new TypeError(verified.text)
  const { statement, thumbprint: kid } = verified
  await prisma.$transaction((tx) => storeStatement(tx, { statement, text, kid, at: new Date() }))
  return statement.jti
}

/** Lets an operator have a number of statements, copies of one that it has signed. */
export async function fillStatements({ pool }: Db, { id }: SeededOperator, count: number): Promise<void> {
  await pool.query(
    `INSERT INTO trust_statements SELECT (jsonb_populate_record(s, jsonb_build_object('edge_id', gen_random_uuid(),
       'jti', gen_random_uuid(), 'subject_id', gen_random_uuid(), 'signer_id', $1::text))).*
     FROM trust_statements s, generate_series((SELECT count(*) FROM trust_statements WHERE signer_id = $1::uuid) + 1, $2)
     WHERE s.edge_id = (SELECT edge_id FROM trust_statements ORDER BY put_at LIMIT 1)`,
    [id, count],
  )
}

/** Stores a proposal of one operator to another, which may have been dismissed. Returns its id. */
export async function seedProposal(
  { prisma }: Db,
  signer: SeededOperator,
  proposer: SeededOperator,
  dismissedAt?: Date,
): Promise<string> {
  const expiresAt = new Date(Date.now() + 86_400_000)
  const draft = JSON.parse(JSON.stringify(draftOf(signer, proposer)))
  const row = { id: randomUUID(), signerId: signer.id, proposerId: proposer.id, draft, expiresAt }
  const { id } = await prisma.trustProposal.create({ data: { ...row, dismissedAt: dismissedAt ?? null } })
  return id
}

/** Lets a number of proposals wait for an operator. */
export async function fillProposals({ pool }: Db, { id }: SeededOperator, count: number): Promise<void> {
  await pool.query(
    `INSERT INTO trust_proposals (id, proposer_id, signer_id, draft, proven_since, expires_at)
     SELECT gen_random_uuid(), gen_random_uuid(), $1::uuid, '{}', '2000-01-01', now() + interval '1 day' FROM generate_series((SELECT count(*) FROM trust_proposals WHERE signer_id = $1::uuid) + 1, $2)`,
    [id, count],
  )
}
