import { randomUUID } from 'node:crypto'
import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { operatorId } from '@auth4agent/core/identity/operator-id'
import type { Ed25519Jwk } from '@auth4agent/core/jose/public-jwk'
import type { JwsSigner } from '@auth4agent/core/jose/signer-jwk'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { generateKeyPair, sign } from '@auth4agent/core/keys/ed25519'
import type { EdgeKind, TrustDraft } from '@auth4agent/core/trust/statement'
import { type StatementContent, signTrustStatement } from '../../../clients/sdk/src/sign-statement.ts'
import type { OperatorStatus } from '../../../gen/prisma/enums.ts'
import { OperatorDirectoryService } from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { TrustService } from '../../../gen/proto/auth4agent/v1/trust_pb.ts'
import type { Call } from '../../../services/calls/call.ts'
import { createDirectory } from '../../../services/operator-registry/directory.ts'
import { createFairPlaces } from '../../../services/platform/limits/fair-places.ts'
import { localClient } from '../../../services/platform/rpc/local-client.ts'
import { GRAPHS } from '../../../services/trust/graph/graph-work.ts'
import { statementRoutes } from '../../../services/trust/statements/routes.ts'
import { testDatabase } from '../database.ts'
import { operatorPrincipal } from '../principals.ts'

/** The issuer of the deployment in these tests. */
export const HOME = 'https://auth.home.test'
/** Another deployment, which the tests admit or not. */
export const ELSEWHERE = 'https://auth.elsewhere.test'
/** The time at which the tests begin: 2027-01-15T08:00:00Z. */
const START = 1_800_000_000_000

const ROOT = { manifestSeq: 0, approvals: [] } as const

/** An operator of the deployment, with its root key. */
export interface TrustOperator {
  readonly id: string
  readonly domain: string
  readonly kid: string
  readonly jwk: Ed25519Jwk
  readonly signer: JwsSigner
}

/** The statements part with its own database and clock. */
export type TrustWorld = Awaited<ReturnType<typeof startTrustWorld>>

/** Starts the statements part of a deployment. */
export async function startTrustWorld() {
  const { db, url, drop } = await testDatabase()
  await db.prisma.deployment.create({ data: { issuer: HOME } })
  const clock = { now: START }
  const operators = localClient(
    OperatorDirectoryService,
    createDirectory({ prisma: db.prisma, lookUpPool: db.pool }, HOME),
  )
  const proven: (readonly [issuerId: string, domain: string])[] = []
  const foreign = { proveNow: (issuerId: string, domain: string) => void proven.push([issuerId, domain]) }
  const own = { db, readDb: db, now: () => clock.now, issuer: HOME, settings: { skewS: 10 } }
  const deps = { ...own, operators, foreign, graphPlaces: createFairPlaces(GRAPHS) }
  const handlers = statementRoutes(deps)
  return {
    db,
    url,
    drop,
    deps,
    clock,
    /** The domains of other deployments that were to be proven. */
    proven,
    /** Inserts an operator, which the trust part itself never writes. */
    async operator(domain: string, status: OperatorStatus = 'active'): Promise<TrustOperator> {
      const { publicKey, privateKey } = generateKeyPair()
      const kid = thumbprint(publicKey)
      const id = operatorId({ issuer: HOME, domain, thumbprint: kid })
      const rootPublicKey = Uint8Array.from(publicKey)
      await db.prisma.operator.create({ data: { id, domain, status, rootPublicKey, rootKeyThumbprint: kid } })
      const signer = { publicKey, sign: async (message: Uint8Array) => sign(privateKey, message) }
      return { id, domain, kid, signer, jwk: { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(publicKey) } }
    },
    /** The calls of an operator. Each has an assertion of its own. */
    as: (id: string) => callsOf(handlers, id),
    /** Signs a statement at the time of the clock. */
    sign: ({ signer }: Pick<TrustOperator, 'signer'>, draft: TrustDraft, content: Partial<StatementContent> = {}) =>
      signTrustStatement(signer, { ...draft, version: 1, nowS: clock.now / 1_000, ...content }),
    /** Subjects of the records in the revocation log, in their order. */
    async logged(): Promise<readonly string[]> {
      const records = await db.pool.query<{ subject: string }>(
        "SELECT subject FROM revocation_log WHERE kind = 'edge' ORDER BY sequence",
      )
      return records.rows.map(({ subject }) => subject)
    },
    audit: () => db.prisma.auditLog.findMany({ orderBy: { at: 'asc' } }),
  }
}

function callsOf(handlers: ReturnType<typeof statementRoutes>, id: string) {
  const call = (): Call => {
    const assertion = { jti: randomUUID(), expiresAt: START / 1_000 + 60 }
    const principal = operatorPrincipal(id, assertion)
    // These operators have no manifest, so their only root key has signed the call.
    return { requestId: 'request-1', principal, asRoot: () => ({ ...principal, root: ROOT }) }
  }
  return localClient(TrustService, {
    putTrustStatement: (request) => handlers.putTrustStatement(request, call()),
    listTrustStatements: (request) => handlers.listTrustStatements(request, call()),
    revokeTrustStatement: (request) => handlers.revokeTrustStatement(request, call()),
    proposeTrust: (request) => handlers.proposeTrust(request, call()),
    listTrustProposals: (request) => handlers.listTrustProposals(request, call()),
    dismissTrustProposal: (request) => handlers.dismissTrustProposal(request, call()),
    listPublishedTrust: (request) => handlers.listPublishedTrust(request, call()),
    async explainTrust() {
      throw new Error('These tests ask no questions')
    },
    async listAdmissions() {
      throw new Error('These tests ask for no admissions')
    },
    async exportTrustGraph() {
      throw new Error('These tests export nothing')
    },
    async createTrustView() {
      throw new Error('These tests create no links')
    },
    async getTrustView() {
      throw new Error('These tests look at no graph')
    },
  })
}

/** Returns a good draft of one operator of the deployment about another. */
export function draftBetween(
  signer: Pick<TrustOperator, 'id' | 'domain'>,
  subject: Pick<TrustOperator, 'id' | 'domain'>,
  kind: Exclude<EdgeKind, 'chains-to'> = 'lets-call',
): TrustDraft {
  const grants = [{ audience: `https://api.${signer.domain}`, scopes: { 'orders:read': ['read', 'list'] } }]
  return {
    iss: signer.id,
    home: HOME,
    domain: signer.domain,
    sub: subject.id,
    subHome: HOME,
    subDomain: subject.domain,
    aud: [HOME],
    kind,
    ...(kind === 'accepts-members-of' && { depth: 1 }),
    grants: kind === 'member' || kind === 'blocks' ? [] : grants,
    visibility: 'parties',
  }
}
