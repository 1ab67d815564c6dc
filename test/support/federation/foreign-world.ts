import { operatorId } from '@auth4agent/core/identity/operator-id'
import type { Follower } from '@auth4agent/core/revocation/follower'
import type { TrustBasis } from '@auth4agent/core/revocation/revocation-log'
import { createRevocationState } from '@auth4agent/core/revocation/revocation-state'
import type { Audience } from '@auth4agent/core/token/audience'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import { create } from '@bufbuild/protobuf'
import {
  AudienceRuleSchema,
  LookupAudienceOwnerResponseSchema,
} from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { buildGraph } from '../../../services/trust/decide/known-graph.ts'
import { foreignNode, type StatementRow } from '../../../services/trust/decide/read-statements.ts'
import { createRows, type Owner } from '../../../services/trust/decide/rows.ts'
import type { KnownIssuer } from '../../../services/trust/issuers/known-issuer.ts'
import { createForeignLists } from '../../../services/trust/issuers/revocations/foreign-lists.ts'
import type { Introspected } from '../../../services/trust/issuers/revocations/introspect.ts'
import { createGenuineForeign } from '../../../services/trust/tokens/genuine-foreign.ts'
import { createVerifyForeign, type ForeignDemands } from '../../../services/trust/tokens/verify-foreign.ts'
import { accessToken, knownKey } from '../access-tokens.ts'
import { NOW_S } from '../assertions.ts'

/** The foreign issuers, the operators, and the audience of the worked example. */
export const ALPHA = 'https://auth.alpha.example'
export const GAMMA = 'https://id.gamma.example'
export const BETA = 'https://beta.example/auth'
export const AUDIENCE = 'https://api.cargo.example/v1'
export const CARGO = 'c0000000-0000-8000-8000-000000000001'
export const ACME_DID = 'did:agent:acme.example:21fe31dfa154a261626bf854046fd227'
export const ACME = operatorId({ issuer: ALPHA, domain: 'acme.example', thumbprint: 'acme-root' })
export const GUILD = operatorId({ issuer: GAMMA, domain: 'guild.example', thumbprint: 'guild-root' })

const EDGES = {
  alphaAcme: 'e0000000-0000-8000-8000-00000000000a',
  gammaGuild: 'e0000000-0000-8000-8000-00000000000c',
  letsCall: 'e0000000-0000-8000-8000-000000000001',
  accepts: 'e0000000-0000-8000-8000-000000000002',
  member: 'e0000000-0000-8000-8000-000000000003',
}

export { EDGES }

export const alphaKey = knownKey()
const gammaKey = knownKey()

/** Makes the row of an issuer that speaks for one domain. */
function issuerRow(issuer: string, key: typeof alphaKey, domain: string, id: string, edgeId: string): KnownIssuer {
  return {
    id: `${edgeId.slice(0, -1)}f`,
    issuer,
    kind: 'auth4agent',
    isEnabled: true,
    algorithms: ['EdDSA'],
    tokenType: 'at+jwt',
    mode: 'log',
    introspectionUri: '',
    statusListUri: '',
    actsAs: CARGO,
    maxTokenTtlS: 3_600,
    maxStalenessMs: 5_000,
    generation: 1,
    acceptedFromS: 0,
    keysAsOf: NOW_S * 1_000,
    validUntil: undefined,
    chainDueAt: undefined,
    keys: new Map([[key.entry.kid, key.entry]]),
    domains: new Map([[domain, { domain, edgeId, operatorId: id, provenAt: NOW_S * 1_000 }]]),
  }
}

export const alpha = issuerRow(ALPHA, alphaKey, 'acme.example', ACME, EDGES.alphaAcme)
export const gamma = issuerRow(GAMMA, gammaKey, 'guild.example', GUILD, EDGES.gammaGuild)

const acme = { operatorId: ACME, domain: 'acme.example', home: ALPHA }
const guild = { operatorId: GUILD, domain: 'guild.example', home: GAMMA }
const cargo = { operatorId: CARGO, domain: 'cargo.example', home: BETA }
const grants = [{ audience: AUDIENCE, scopes: { read: ['orders:read'], write: ['orders:write'] } }]

type Change = Partial<StatementRow>

/** cargo lets agents of acme call its audience. */
export function letsCall(change: Change = {}): StatementRow {
  return {
    id: EDGES.letsCall,
    kind: 'lets-call',
    from: CARGO,
    to: foreignNode(ALPHA, 'acme.example', ACME),
    depth: 0,
    grants,
    exp: NOW_S + 86_400,
    signerId: CARGO,
    epoch: 1,
    issuer: undefined,
    domainEdge: undefined,
    signer: cargo,
    subject: acme,
    ...change,
  }
}

/** cargo accepts members of guild. */
export function accepts(change: Change = {}): StatementRow {
  const to = foreignNode(GAMMA, 'guild.example', GUILD)
  return letsCall({ id: EDGES.accepts, kind: 'accepts-members-of', depth: 1, to, subject: guild, ...change })
}

/** guild, at another deployment, says that acme is a member. */
export function member(change: Change = {}): StatementRow {
  return letsCall({
    id: EDGES.member,
    kind: 'member',
    from: foreignNode(GAMMA, 'guild.example', GUILD),
    grants: [],
    signerId: GUILD,
    epoch: 4,
    issuer: GAMMA,
    domainEdge: EDGES.gammaGuild,
    signer: guild,
    ...change,
  })
}

/** cargo blocks acme. */
export function blocks(): StatementRow {
  return letsCall({ id: 'e0000000-0000-8000-8000-000000000009', kind: 'blocks', grants: [] })
}

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
  const freshIssuers = byIssuer(fresh.issuers ?? issuers)
  const remembered = buildGraph(rows)
  const owner = async ({ host }: { readonly host?: string }) => {
    asked.owner += 1
    const rules = (options.rules ?? []).map((rule) => create(AudienceRuleSchema, rule))
    return create(LookupAudienceOwnerResponseSchema, { operatorId: host === 'api.cargo.example' ? CARGO : '', rules })
  }
  const reads = {
    async issuer(issuer: string) {
      asked.database += 1
      return freshIssuers.get(issuer)
    },
    async statements() {
      asked.database += 1
      return buildGraph(fresh.rows ?? rows)
    },
    owner,
  }
  const owners = new Map<string, Owner>()
  const memory = {
    issuer: (issuer: string) => copied.get(issuer),
    statements: () => remembered,
    owner: (audience: string) => owners.get(audience),
  }
  const remembering = {
    ...reads,
    async owner(audience: Audience) {
      const found = await owner(audience)
      owners.set(audience.text, found)
      return found
    },
  }
  const knowledge = {
    remembered: createRows(remembering, hasCopy ? memory : undefined),
    current: createRows(reads),
    copy: { issuers: hasCopy ? copied : new Map<string, KnownIssuer>(), anchors: [] },
    refresh: async () => undefined,
    onCopy: () => undefined,
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
    operators: { lookupAudienceOwner: owner },
  }
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
    introspect,
    lists,
  })
  let sequence = 0
  return {
    /** What this deployment knows, for other parts that decide by it. */
    deps,
    /** Everything that decides about an owner, as the database has it. */
    readAroundOwner: async () => ({
      ...buildGraph(fresh.rows ?? rows),
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
    parts: deps,
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

/** A token of an agent of acme, issued by A for cargo's audience, with changed claims and header. */
export function acmeToken(claims: object = {}, header: object = {}, key = alphaKey.pair): string {
  const good = { iss: ALPHA, sub: ACME_DID, client_id: ACME_DID, operator_id: ACME, aud: [AUDIENCE], scope: 'read' }
  return accessToken(key, header, { ...good, ...claims })
}
