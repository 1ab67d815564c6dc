import { randomUUID } from 'node:crypto'
import { recordName } from '@auth4agent/core/identity/proof-record'
import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import type { AuditLog, Operator, PrismaClient } from '../../gen/prisma/client.ts'
import { OperatorDirectoryService } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { OperatorRegistryService } from '../../gen/proto/auth4agent/v1/operator_registry_pb.ts'
import type { Call, Principal } from '../../services/calls/call.ts'
import { LOOKS_NEEDED } from '../../services/operator-registry/domain/takeover-looks.ts'
import {
  createOperatorRegistry,
  LOOK_UPS,
  type OperatorRegistry,
  type RegistrySettings,
} from '../../services/operator-registry/index.ts'
import { createTxtResolvers } from '../../services/platform/dns/resolve-txt.ts'
import { createFairPlaces } from '../../services/platform/limits/fair-places.ts'
import { type LocalClient, localClient } from '../../services/platform/rpc/local-client.ts'
import { silentLog, testDatabase } from './database.ts'
import { type DnsServer, startDnsServer } from './dns-server.ts'
import { adminPrincipal, operatorPrincipal } from './principals.ts'

export const HOUR = 3_600_000
export const DAY = 24 * HOUR
const ISSUER = 'https://auth.example.com'
const START = Date.UTC(2026, 0, 15, 10)

const SETTINGS: RegistrySettings = {
  pendingTtlMs: 7 * DAY,
  takeoverDelayMs: DAY,
  reverifyIntervalMs: 6 * HOUR,
  reverifyFailures: 3,
  maxPendingPerDomain: 4,
  maxPending: 1000,
}

/** A registered operator with its proof. */
export interface Registered {
  readonly id: string
  readonly domain: string
  readonly key: Uint8Array
  readonly value: string
}

interface HarnessOptions {
  readonly resolvers?: number
  /** How long a look-up waits for a resolver, in milliseconds. */
  readonly dnsTimeoutMs?: number
  readonly testDomains?: boolean
  readonly settings?: Partial<RegistrySettings>
}

export type Harness = Awaited<ReturnType<typeof startHarness>>

/** Starts the operator-registry part with its own database, clock and DNS servers. */
export async function startHarness({
  resolvers = 1,
  dnsTimeoutMs = 2_000,
  testDomains = false,
  settings = {},
}: HarnessOptions = {}) {
  const database = await testDatabase()
  const servers = await Promise.all(Array.from({ length: resolvers }, startDnsServer))
  const clock = { now: START }
  const warnings: string[] = []
  const log = { ...silentLog, warn: (_: object, message: string) => void warnings.push(message) }
  const servedBy = servers.map(({ address }) => address)
  const options = {
    now: () => clock.now,
    log,
    issuer: ISSUER,
    resolveTxt: createTxtResolvers({ servers: servedBy, timeoutMs: dnsTimeoutMs }),
    testDomains,
    lookUpPlaces: createFairPlaces(LOOK_UPS),
    settings: { ...SETTINGS, ...settings },
  }
  const { prisma } = database.db
  const registry = createOperatorRegistry({
    db: database.db,
    readDb: database.db,
    lookUpPool: database.db.pool,
    ...options,
  })
  const anybody = clientOf(registry, { kind: 'anonymous' })
  return {
    registry,
    clock,
    warnings,
    ...actions(anybody, prisma, servers),
    /**
     * Makes the looks at the contested domain of an operator, each when it is due. Stops at the time `until`, or when
     * the operator no longer waits. Returns the number of looks.
     */
    async look(id: string, until = Number.POSITIVE_INFINITY): Promise<number> {
      for (let made = 0; ; made++) {
        const { nextLookAt, takeoverAt, takeoverLooks } = await prisma.operator.findUniqueOrThrow({ where: { id } })
        const isOver = takeoverAt === null || (takeoverLooks >= LOOKS_NEEDED && takeoverAt.getTime() <= clock.now)
        if (nextLookAt === null || isOver || nextLookAt.getTime() > until) return made
        clock.now = Math.max(clock.now, nextLookAt.getTime())
        await registry.runLooks()
      }
    },
    anybody,
    from: (source: string) => clientOf(registry, { kind: 'anonymous' }, source),
    directory: localClient(OperatorDirectoryService, registry.directory),
    prisma,
    url: database.url,
    context: { ...options, prisma, reads: prisma, random: Math.random },
    as: (id: string, jti: string = randomUUID()) => clientOf(registry, rootPrincipal(id, jti)),
    admin: (jti: string = randomUUID()) => clientOf(registry, adminPrincipal({ jti, expiresAt: START / 1000 })),
    async stop() {
      await Promise.all(servers.map((server) => server.close()))
      await database.drop()
    },
  }
}

/** Returns an operator without a manifest that has signed its call with its root key. */
function rootPrincipal(operatorId: string, jti: string): Principal {
  const root = { manifestSeq: 0, approvals: [] }
  return { ...operatorPrincipal(operatorId, { jti, expiresAt: START / 1000 }), root }
}

function clientOf(
  { module }: OperatorRegistry,
  principal: Principal,
  source = '192.0.2.1',
): LocalClient<typeof OperatorRegistryService> {
  const { handlers } = module
  const call: Call = { requestId: 'request-1', principal, source }
  return localClient(OperatorRegistryService, {
    registerOperator: (request) => handlers.registerOperator(request, call),
    getOperator: (request) => handlers.getOperator(request, call),
    getDomainVerification: (request) => handlers.getDomainVerification(request, call),
    confirmDomain: (request) => handlers.confirmDomain(request, call),
    releaseDomain: (request) => handlers.releaseDomain(request, call),
    getOperatorPolicy: (request) => handlers.getOperatorPolicy(request, call),
    setOperatorPolicy: (request) => handlers.setOperatorPolicy(request, call),
    endAllTokens: (request) => handlers.endAllTokens(request, call),
    suspendOperator: (request) => handlers.suspendOperator(request, call),
    reinstateOperator: (request) => handlers.reinstateOperator(request, call),
    listAuditRecords: (request) => handlers.listAuditRecords(request, call),
    getAuditRecord: (request) => handlers.getAuditRecord(request, call),
  })
}

function actions(
  anybody: LocalClient<typeof OperatorRegistryService>,
  prisma: PrismaClient,
  servers: readonly DnsServer[],
) {
  const publish = (domain: string, values: readonly string[], at: readonly DnsServer[] = servers): void => {
    for (const server of at) server.setTxt(recordName(domain), values)
  }
  const register = async (domain: string, key = generateKeyPair().publicKey): Promise<Registered> => {
    const { id } = await anybody.registerOperator({ domain, rootPublicKey: key })
    const { txtRecordValue } = await anybody.getDomainVerification({ id })
    return { id, domain, key, value: txtRecordValue }
  }
  return {
    servers,
    publish,
    register,
    /** Registers an operator, publishes its proof and confirms its domain. */
    async activate(domain: string): Promise<Registered> {
      const operator = await register(domain)
      publish(domain, [operator.value])
      await anybody.confirmDomain({ id: operator.id })
      return operator
    },
    operator: (id: string): Promise<Operator> => prisma.operator.findUniqueOrThrow({ where: { id } }),
    /** Returns all audit records of an operator, oldest first. */
    audit: (operatorId: string): Promise<AuditLog[]> =>
      prisma.auditLog.findMany({ where: { operatorId }, orderBy: { id: 'asc' } }),
    /** Returns all rows that a change may write. */
    everything: async () =>
      JSON.stringify([
        await prisma.operator.findMany({ orderBy: { id: 'asc' } }),
        await prisma.operatorAudience.findMany({ orderBy: { audience: 'asc' } }),
        await prisma.auditLog.findMany({ orderBy: { id: 'asc' } }),
        await prisma.usedAssertion.findMany({ orderBy: { jti: 'asc' } }),
      ]),
  }
}
