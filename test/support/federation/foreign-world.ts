import type { Follower } from '@auth4agent/core/revocation/follower'
import type { TrustBasis } from '@auth4agent/core/revocation/revocation-log'
import { createRevocationState } from '@auth4agent/core/revocation/revocation-state'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import { create } from '@bufbuild/protobuf'
import { AudienceRuleSchema } from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { createDecideTrust } from '../../../services/trust/foreign/decide-trust.ts'
import { createForeignLists } from '../../../services/trust/foreign/foreign-lists.ts'
import { createGenuineForeign } from '../../../services/trust/foreign/genuine-foreign.ts'
import type { Introspected } from '../../../services/trust/foreign/introspect.ts'
import { createVerifyForeign, type ForeignDemands } from '../../../services/trust/foreign/verify-foreign.ts'
import { buildGraph } from '../../../services/trust/knowledge/known-graph.ts'
import type { KnownIssuer } from '../../../services/trust/knowledge/known-issuer.ts'
import { type StatementRow } from '../../../services/trust/knowledge/read-statements.ts'
import { NOW_S } from '../assertions.ts'

import { ALPHA, AUDIENCE, alpha, CARGO, GAMMA, gamma, letsCall } from './foreign-parties.ts'

/** A log of another deployment. */
export interface Log {
  readonly state: ReturnType<typeof createRevocationState>
  ageMs: number
  forgottenThroughS: number
}

/** What can differ in a test. */
export interface WorldOptions {
  readonly issuers?: readonly KnownIssuer[]
  readonly rows?: readonly StatementRow[]
  /** What the database has, if it is not what the copy has. */
  readonly fresh?: { readonly issuers?: readonly KnownIssuer[]; readonly rows?: readonly StatementRow[] }
  readonly hasCopy?: boolean
  /** Up to how many edges the paths around the owner are known. */
  readonly maxEdges?: number
  readonly rules?: readonly { readonly audience: string; readonly dpop: string }[]
  readonly introspect?: () => Promise<Introspected>
  /** Returns the text of a status list. */
  readonly fetchList?: (url: string) => string | Error
}

const byIssuer = (list: readonly KnownIssuer[]) => new Map(list.map((row) => [row.issuer, row]))

function graphOf(list: readonly StatementRow[]) {
  const { known, take } = buildGraph()
  take(list)
  return known
}

/** Everything that verifies foreign tokens at B, with rows and logs in memory. */
export function foreignWorld(options: WorldOptions = {}) {
  const { issuers = [alpha, gamma], rows = [letsCall()], fresh = {}, hasCopy = true } = options
  const clock = { nowS: NOW_S + 1 }
  const own = createRevocationState()
  const logs = new Map<string, Log>(
    [ALPHA, GAMMA].map((issuer) => [issuer, { state: createRevocationState(), ageMs: 0, forgottenThroughS: 0 }]),
  )
  const asked = { database: 0, owner: 0 }
  const copied = byIssuer(issuers)
  const copy = hasCopy ? { ...graphOf(rows), issuers: copied, anchors: [] } : undefined
  const freshIssuers = byIssuer(fresh.issuers ?? issuers)
  const knowledge = {
    copy,
    refresh: async () => undefined,
    onCopy: () => undefined,
    async rereadIssuer(issuer: string) {
      asked.database += 1
      return freshIssuers.get(issuer)
    },
    async rereadBetween() {
      asked.database += 1
      return graphOf(fresh.rows ?? rows)
    },
  }
  const followerOf = (issuer: string): Follower | undefined => {
    const log = logs.get(issuer)
    return (
      log && {
        version: 0,
        lookup: (token) => log.state.lookup(token),
        lookupTrust: (basis) => log.state.lookupTrust(basis),
        ageMs: () => log.ageMs,
        forgottenThroughS: log.forgottenThroughS,
        size: 0,
        ready: Promise.resolve(),
        close: () => undefined,
      }
    )
  }
  const deps = {
    knowledge,
    now: () => clock.nowS * 1_000,
    settings: { skewS: 10 },
    tokenStatus: { checkTrust: async (basis: TrustBasis): Promise<Verdict | undefined> => own.lookupTrust(basis) },
    logs: { of: followerOf, asOf: () => NOW_S * 1_000 },
    operators: {
      async lookupAudienceOwner({ host }: { readonly host?: string }) {
        asked.owner += 1
        const rules = (options.rules ?? []).map((rule) => create(AudienceRuleSchema, rule))
        return { operatorId: host === 'api.cargo.example' ? CARGO : '', rules }
      },
    },
  }
  const decideTrust = createDecideTrust(deps)
  const problems: unknown[] = []
  const fetchList = async (url: string) => {
    const text = options.fetchList?.(url) ?? new Error('The test expects no list')
    if (text instanceof Error) throw text
    return { mediaType: 'application/statuslist+jwt', body: Buffer.from(text), maxAgeS: undefined, date: undefined }
  }
  const lists = createForeignLists({
    outbound: { get: fetchList },
    now: deps.now,
    skewS: 10,
    log: { warn: (problem) => problems.push(problem) },
  })
  const introspect = options.introspect ?? (async () => Promise.reject(new Error('The test expects no question')))
  const verify = createVerifyForeign({
    ...deps,
    genuine: createGenuineForeign(deps.now),
    decideTrust,
    introspect,
    lists,
  })
  let sequence = 0
  return {
    /** What this deployment knows, for other parts that decide by it. */
    deps,
    /** Everything that decides about an owner, as the database has it. */
    readAroundOwner: async () => ({
      ...graphOf(fresh.rows ?? rows),
      issuers: freshIssuers,
      position: '3-8812',
      maxEdges: options.maxEdges ?? 3,
    }),
    /** The log of this deployment. */
    own,
    clock,
    logs,
    lists,
    /** What was logged about status lists. */
    problems,
    asked,
    /** Of these all judges are made. */
    parts: { ...deps, decideTrust },
    /** Changes the row of an issuer, in the copy and in the database. */
    change(row: KnownIssuer): void {
      for (const rows of [copied, freshIssuers]) rows.set(row.issuer, row)
    },
    /** Puts a record into the log of this deployment, or into that of another one. */
    record(kind: 'issuer' | 'edge' | 'operator' | 'agent' | 'token' | 'key', change: object, issuer?: string): void {
      sequence += 1
      const ending = { kind, sequence, operatorId: '', subject: '', minimumEpoch: 0, ...change }
      const state = issuer === undefined ? own : logs.get(issuer)?.state
      state?.apply(ending)
    },
    verify: (token: string, demands: Partial<ForeignDemands> = {}) =>
      verify(token, {
        issuer: ALPHA,
        wanted: { audience: [AUDIENCE], scope: ['orders:read'], operators: [] },
        checkSender: () => undefined,
        ...demands,
      }),
  }
}
