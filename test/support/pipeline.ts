import { create, type DescMethod, type Message } from '@bufbuild/protobuf'
import { OperatorDirectoryService } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { IdentityService } from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import type { StreamHandler, UnaryHandler } from '../../services/calls/call.ts'
import { createRpc, type PipelineDeps } from '../../services/calls/pipeline.ts'
import type { Policy } from '../../services/calls/policy.ts'
import { EMPTY_BODY } from '../../services/calls/request-body.ts'
import type { Forward, Meta, Route } from '../../services/calls/rpc.ts'
import type { Db } from '../../services/platform/db/db.ts'
import { createLimiter, type LimitName, type Rate, type Rates } from '../../services/platform/limits/limits.ts'
import { createLogger } from '../../services/platform/log/log.ts'
import { localClient } from '../../services/platform/rpc/local-client.ts'
import { adminSigner, ISSUER, NOW_S, operatorSigner } from './assertions.ts'

/**
 * The method that a test calls unless it names another one. The test sets the policy and the handler of the method.
 */
const METHOD: DescMethod = IdentityService.method.suspendAgent
/** The call that assertions name in `rpc`. */
export const RPC = 'POST /v1/x'
/** Two operators that own their domains, and the administrator. */
export const PARTIES = {
  own: operatorSigner('aaaaaaaa-1111-8111-8111-111111111111'),
  foreign: operatorSigner('bbbbbbbb-2222-8222-8222-222222222222'),
  admin: adminSigner(),
}

/** Options of pipelineFixture. */
export interface PipelineSetup {
  /** A method other than SuspendAgent. */
  readonly method?: DescMethod
  readonly policy?: Partial<Policy<Record<string, unknown>>>
  readonly handler?: UnaryHandler<DescMethod>
  /** A handler that answers with a stream. It replaces `handler`. */
  readonly streamHandler?: StreamHandler<DescMethod>
  readonly forwards?: readonly Forward[]
  /** The status of both operators. */
  readonly status?: string
  readonly deps?: Partial<PipelineDeps>
  /** The rate limits of all calls, by source and by subject. */
  readonly rate?: { readonly source?: Rate; readonly subject?: Rate }
  /** The rate limits of single groups of calls. */
  readonly rates?: Partial<Rates>
}

const PLENTY: Rate = { perMinute: 1e6, burst: 1e6 }
const GROUPS: readonly LimitName[] = [
  'read',
  'register',
  'confirm',
  'challenge',
  'token',
  'verify',
  'manage',
  'urgent',
  'watch',
  'graph',
  'sign-in',
  'signal',
  'forward',
]

/** Builds the pipeline around one method. Also returns what the pipeline logs and measures. */
export function pipelineFixture(
  db: Db,
  { method = METHOD, policy, handler, streamHandler, forwards, status, deps, rate, rates }: PipelineSetup = {},
) {
  const lines: Record<string, unknown>[] = []
  const observed: string[] = []
  const labels: string[] = []
  const clock = { now: 0 }
  const line = {
    method,
    policy: { callers: ['operator'], own: 'operatorId', limit: 'manage', ...policy } as Policy<Record<string, unknown>>,
  }
  const route: Route =
    streamHandler === undefined
      ? { kind: 'unary', ...line, handler: handler ?? (async () => ({ agentDid: 'done' })) }
      : { kind: 'stream', ...line, handler: streamHandler }
  const limits = { source: rate?.source ?? PLENTY, subject: rate?.subject ?? PLENTY }
  const rpc = createRpc(forwards === undefined ? [route] : [], forwards ?? [], {
    operators: directory(status),
    adminKey: PARTIES.admin.pair.publicKey,
    isFreshNonce: async () => false,
    issuer: ISSUER,
    prisma: db.prisma,
    log: createLogger('info', (line) => lines.push(JSON.parse(line) as Record<string, unknown>)),
    metrics: {
      observe: (service, method, reason) => {
        observed.push(reason)
        labels.push(`${service}/${method}`)
      },
      callStarted: () => {},
      callEnded: () => {},
    },
    limiter: createLimiter(() => clock.now),
    rates: { ...(Object.fromEntries(GROUPS.map((name) => [name, limits])) as Rates), ...rates },
    maxConcurrency: 100,
    lanePlaces: { urgent: 2, change: 5, read: 4, 'public-read': 4 },
    deadlineMs: 5_000,
    settle: async () => undefined,
    confirm: async () => undefined,
    now: () => NOW_S * 1000,
    skewS: 10,
    operatorBytesPerDay: Number.POSITIVE_INFINITY,
    mayRecordRefusal: () => true,
    clockProblem: () => undefined,
    ...deps,
  })
  const send = (read: () => Message, meta: Partial<Meta> = {}) => rpc.invoke(method, read, { ...META, ...meta })
  const watch = (
    authorization?: string,
    meta: Partial<Meta> = {},
    signal: AbortSignal = new AbortController().signal,
    fields: object = {},
  ): AsyncIterator<Message & { agentDid?: string }> => {
    const asked = { ...META, authorization, ...meta }
    return rpc.subscribe(method, () => request(fields, method), asked, signal)[Symbol.asyncIterator]()
  }
  const call = (authorization?: string, meta: Partial<Meta> = {}, fields: object = {}) =>
    send(() => request(fields), { authorization, ...meta })
  return { call, send, watch, rpc, lines, observed, labels, clock }
}

const META: Meta = { requestId: 'request-1', source: '192.0.2.1', authorization: undefined, rpc: RPC, body: EMPTY_BODY }

function request(fields: object = {}, { input }: DescMethod = METHOD): Message {
  return create(input, { operatorId: PARTIES.own.iss, agent: 'a-1', ...fields })
}

function directory(status = 'active') {
  return localClient(OperatorDirectoryService, {
    async lookupOperator({ by }) {
      const party = [PARTIES.own, PARTIES.foreign].find(({ iss }) => iss === by.value)
      if (party === undefined) return {}
      const { iss: id, pair } = party
      return { operator: { id, domain: `${id}.example`, status, rootPublicKey: pair.publicKey } }
    },
    lookupAudienceOwner: async () => ({}),
  })
}
