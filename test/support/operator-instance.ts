import { randomUUID } from 'node:crypto'
import { operatorId } from '@auth4agent/core/identity/operator-id'
import { recordName, recordValue } from '@auth4agent/core/identity/proof-record'
import type { TxtAnswer } from '@auth4agent/core/identity/resolve-txt'
import {
  create,
  type DescMethod,
  type DescMethodUnary,
  type Message,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf'
import { OperatorDirectoryService } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { OperatorKeyService } from '../../gen/proto/auth4agent/v1/operator_keys_pb.ts'
import { OperatorRegistryService } from '../../gen/proto/auth4agent/v1/operator_registry_pb.ts'
import { methodName } from '../../services/calls/method-name.ts'
import { createRpc } from '../../services/calls/pipeline.ts'
import { requestBody } from '../../services/calls/request-body.ts'
import { type Rpc, routesOf } from '../../services/calls/rpc.ts'
import { createOperatorRegistry, type OperatorRegistry } from '../../services/operator-registry/index.ts'
import type { Db } from '../../services/platform/db/db.ts'
import { createLimiter, type Rates } from '../../services/platform/limits/limits.ts'
import { localClient } from '../../services/platform/rpc/local-client.ts'
import { silentLog, testDatabase } from './database.ts'
import { startIdentity } from './identity.ts'
import {
  approveBy,
  assertBy,
  type ClaimEdits,
  manifestBy,
  type RootTeamKey,
  type SignedFor,
  type Team,
  type TeamKey,
} from './operator-team.ts'

/** The issuer of the instances in tests. */
export const ISSUER = 'https://auth.example.com'
const DAY_MS = 86_400_000

/** The part of the world that several instances share. */
export interface TeamWorld {
  readonly db: Db
  readonly clock: { now: number }
  /** Answers of DNS, by name; a name without an entry is absent. */
  readonly dns: Map<string, readonly string[]>
  /** Runs after DNS has answered and before the server gets the answer. */
  readonly onLook?: () => Promise<void>
}

/** Who signs a call, and how. */
export interface Signing {
  readonly by?: TeamKey
  readonly approvedBy?: readonly TeamKey[]
  /** Approvals as text, in addition. */
  readonly approvals?: readonly string[]
  readonly edits?: ClaimEdits
}

/** One process of a deployment: the operator registry and identity behind the pipeline, on a shared database. */
export type OperatorInstance = ReturnType<typeof operatorInstance>

/** Creates an instance. */
export function operatorInstance({ db, clock, dns, onLook }: TeamWorld) {
  const registry = createOperatorRegistry({
    db,
    readDb: db,
    lookUpPool: db.pool,
    now: () => clock.now,
    log: silentLog,
    issuer: ISSUER,
    testDomains: false,
    async resolveTxt(name) {
      const answer = answerOf(dns.get(name))
      await onLook?.()
      return [answer]
    },
    settings: {
      pendingTtlMs: 7 * DAY_MS,
      takeoverDelayMs: DAY_MS,
      reverifyIntervalMs: DAY_MS / 4,
      reverifyFailures: 3,
      maxPendingPerDomain: 4,
      maxPending: 1000,
    },
  })
  const rpc = pipelineOf(db, clock, registry)
  return { registry, rpc, ...callsOf(rpc, clock) }
}

/** Creates a new database, and two instances on it that share a clock and the DNS. */
export async function twoInstances() {
  const { db, drop } = await testDatabase()
  const world: TeamWorld = { db, clock: { now: Date.now() }, dns: new Map() }
  return { world, prisma: db.prisma, one: operatorInstance(world), two: operatorInstance(world), drop }
}

function answerOf(records: readonly string[] | undefined): TxtAnswer {
  return records === undefined ? { kind: 'absent' } : { kind: 'records', records }
}

const PLENTY = { perMinute: 1e6, burst: 1e6 }

function pipelineOf(db: Db, clock: { now: number }, registry: OperatorRegistry): Rpc {
  const operators = localClient(OperatorDirectoryService, registry.directory)
  const identity = startIdentity({ db, now: () => clock.now, operators })
  const routes = [...routesOf(registry.module), ...routesOf(registry.keys), ...routesOf(identity.module)]
  return createRpc(routes, [], {
    operators,
    adminKey: undefined,
    isFreshNonce: async () => false,
    issuer: ISSUER,
    prisma: db.prisma,
    log: silentLog,
    metrics: { observe: () => {}, callStarted: () => {}, callEnded: () => {} },
    limiter: createLimiter(() => 0),
    rates: new Proxy({}, { get: () => ({ source: PLENTY, subject: PLENTY }) }) as Rates,
    maxConcurrency: 100,
    lanePlaces: { urgent: 2, change: 5, read: 4, 'public-read': 4 },
    deadlineMs: 30_000,
    settle: async () => {},
    confirm: async () => {},
    now: () => clock.now,
    skewS: 10,
    operatorBytesPerDay: Number.POSITIVE_INFINITY,
    mayRecordRefusal: () => true,
    clockProblem: () => undefined,
  })
}

function callsOf(rpc: Rpc, clock: { now: number }) {
  const nowS = () => Math.floor(clock.now / 1000)
  const signedFor = (operatorId: string, method: DescMethod, message: Message): SignedFor => {
    const body = toBinary(method.input, message)
    return { operatorId, issuer: ISSUER, nowS: nowS(), rpc: methodName(method), body }
  }
  /** Calls a method, signed by a key for an operator. */
  async function call<I extends DescMethodUnary>(
    method: I,
    operatorId: string,
    fields: MessageInitShape<I['input']>,
    { by, approvedBy = [], approvals = [], edits }: Signing = {},
  ): Promise<MessageShape<I['output']>> {
    const message = create(method.input, fields) as Message
    const signed = signedFor(operatorId, method, message)
    const all = [...approvedBy.map((key) => approveBy(key, signed)), ...approvals]
    const answer = await rpc.invoke(method, () => message, {
      requestId: randomUUID(),
      source: '192.0.2.1',
      authorization: by && assertBy(by, signed, edits),
      rpc: signed.rpc,
      body: requestBody(() => signed.body),
      ...(all.length > 0 && { approvals: all.join(', ') }),
    })
    return answer as MessageShape<I['output']>
  }
  return {
    call,
    nowS,
    signedFor,
    /** Signs a manifest with `signer`, and sets it. */
    async setKeys(signer: RootTeamKey, team: Omit<Team, 'issuer' | 'nowS'>, signing: Signing = {}) {
      const manifest = await manifestBy(signer, { issuer: ISSUER, nowS: nowS(), ...team })
      const { operatorId: id } = team
      return call(OperatorKeyService.method.setOperatorKeys, id, { id, manifest }, { by: signer, ...signing })
    },
    getKeys: (id: string, by: TeamKey) => call(OperatorKeyService.method.getOperatorKeys, id, { id }, { by }),
  }
}

/** Registers an operator with a root key, and proves its domain. */
export async function activeOperator(
  { dns }: TeamWorld,
  { call }: OperatorInstance,
  domain: string,
  { publicKey, kid }: RootTeamKey,
): Promise<string> {
  const id = operatorId({ issuer: ISSUER, domain, thumbprint: kid })
  const { registerOperator, confirmDomain } = OperatorRegistryService.method
  await call(registerOperator, id, { domain, rootPublicKey: publicKey })
  publish({ dns }, domain, id, kid)
  await call(confirmDomain, id, { id })
  return id
}

/** Publishes the record of an operator, which names a key. */
export function publish({ dns }: Pick<TeamWorld, 'dns'>, domain: string, operatorId: string, kid: string): void {
  dns.set(recordName(domain), [recordValue({ issuer: ISSUER, operatorId, thumbprint: kid })])
}
