import { fingerprint, formatDid } from '@auth4agent/core/identity/did'
import type { AgentBundle } from '@auth4agent/core/key-events/bundle-text'
import type { KeySigner } from '@auth4agent/core/key-events/sign-key-event'
import { type ReleaseContent, signAgentRelease } from '@auth4agent/core/key-events/sign-release'
import type { KeyPair } from '@auth4agent/core/keys/ed25519'
import { create } from '@bufbuild/protobuf'
import { expect } from 'vitest'
import type { OperatorStatus } from '../../gen/prisma/enums.ts'
import {
  AdmitAgentRequestSchema,
  ExportAgentRequestSchema,
  ObjectToMoveRequestSchema,
  ReleaseAgentRequestSchema,
} from '../../gen/proto/auth4agent/v1/agent_moves_pb.ts'
import type { Call } from '../../services/calls/call.ts'
import type { Identity } from '../../services/identity/index.ts'
import { newKey, registerWithLog, type TestKey } from './agent-log.ts'
import {
  anonymous,
  asOperator,
  everything,
  IDENTITY_SETTINGS,
  identityFixture,
  insertOperator,
  startIdentity,
  TEST_ISSUER,
  type TestOperator,
} from './identity.ts'
import { refusalOf } from './reason-of.ts'

type RegistrationOptions = Parameters<typeof registerWithLog>[3]
/** A registered agent with its key and its log. */
export type TestAgent = Awaited<ReturnType<typeof registerWithLog>>

/** An agent that asks for a move with its key. */
interface Mover {
  readonly did: string
  readonly key: TestKey
  append(signer: TestKey, change: Move): Promise<{ readonly digest?: string }>
}

interface Move {
  readonly type: 'move'
  readonly to: string
  readonly operatorId: string
  readonly issuer: string
  readonly key?: KeySigner | undefined
}

/** A move that waits. */
export interface AskedMove {
  readonly did: string
  readonly to: string
  readonly event: string
}

/** Returns the DID of a first key under the domain of an operator. */
export function didUnder({ domain }: TestOperator, { publicKey }: Pick<TestKey, 'publicKey'>): string {
  return formatDid(domain, fingerprint(publicKey))
}

interface AskOptions {
  readonly issuer?: string
  readonly signer?: TestKey
  /** The key to which the agent committed, if it committed to one. */
  readonly key?: KeySigner
}

/** Lets an agent ask for a move to an operator, by default of the same server. */
export async function askToMove(
  agent: Mover,
  target: Pick<TestOperator, 'id' | 'domain'>,
  { issuer = TEST_ISSUER, signer = agent.key, key }: AskOptions = {},
): Promise<AskedMove> {
  const to = agent.did.replace(/^(did:agent:)[^:]*/, `$1${target.domain}`)
  const { digest = '' } = await agent.append(signer, { type: 'move', to, operatorId: target.id, issuer, key })
  return { did: agent.did, to, event: digest }
}

/** Signs the release of a move with the root key of an operator. */
export function releaseOf(
  { id, root }: TestOperator,
  move: AskedMove,
  nowMs: number,
  edits: Partial<ReleaseContent> & { readonly key?: KeyPair } = {},
): Promise<string> {
  const { key = root, ...content } = edits
  const signer = { publicKey: key.publicKey, sign: async (message: Uint8Array) => key.privateKey.sign(message) }
  return signAgentRelease(signer, { operatorId: id, ...move, nowS: nowMs / 1000, ...content })
}

/** Returns the calls about moves, each with a fresh assertion. */
function moveCalls({ moves: { handlers } }: Identity, now: () => number) {
  return {
    release: async (operator: TestOperator, move: AskedMove, statement?: string, call: Call = asOperator(operator)) => {
      const text = statement ?? (await releaseOf(operator, move, now()))
      const request = { operatorId: operator.id, agent: move.did, statement: text }
      return handlers.releaseAgent(create(ReleaseAgentRequestSchema, request), call)
    },
    object: (operator: TestOperator, agent: string, reason = '') =>
      handlers.objectToMove(
        create(ObjectToMoveRequestSchema, { operatorId: operator.id, agent, reason }),
        asOperator(operator),
      ),
    admit: (operator: TestOperator, did: string, label = '') =>
      handlers.admitAgent(
        create(AdmitAgentRequestSchema, { operatorId: operator.id, did, label }),
        asOperator(operator),
      ),
    import: (operator: TestOperator, { events, manifests, foundingPublicKey, ...rest }: AgentBundle) => {
      const lists = { events: [...events], manifests: [...manifests] }
      const bundle = { ...rest, ...lists, foundingPublicKey: Uint8Array.from(foundingPublicKey) }
      return handlers.admitAgent(
        create(AdmitAgentRequestSchema, { operatorId: operator.id, bundle }),
        asOperator(operator),
      )
    },
    export: async (did: string): Promise<AgentBundle> => {
      const { bundle } = await handlers.exportAgent(create(ExportAgentRequestSchema, { did }), anonymous())
      const { events = [], release = '', issuer = '', manifests = [] } = bundle ?? {}
      return { events, release, issuer, manifests, foundingPublicKey: bundle?.foundingPublicKey ?? new Uint8Array() }
    },
  }
}

/** Starts the identity part with three operators on a new database, and with a clock that only the test moves. */
export async function movesFixture(issuer = TEST_ISSUER) {
  const fixture = await identityFixture()
  const { db, clock, operators } = fixture
  const now = () => clock.now
  const identity = startIdentity({ db, now, operators, issuer })
  const moves = moveCalls(identity, now)
  const [acme, other, third] = await Promise.all([
    insertOperator(db, 'acme.example', 'active', issuer),
    insertOperator(db, 'other.example', 'active', issuer),
    insertOperator(db, 'third.example', 'active', issuer),
  ])
  return {
    ...fixture,
    identity,
    now,
    acme,
    other,
    third,
    moves,
    /** Registers an agent under `acme`. */
    register: (options?: RegistrationOptions) => registerWithLog(identity, acme, now, options),
    /** Registers another agent under `acme`, a second later. The agent commits to a key, which is returned too. */
    async registerCommitted() {
      clock.now += 1000
      const next = newKey()
      return { next, agent: await registerWithLog(identity, acme, now, { next: next.kid }) }
    },
    /** Returns the row of an agent. */
    row: (operatorId: string, did: string) =>
      db.prisma.agent.findUniqueOrThrow({ where: { operatorId_did: { operatorId, did } } }),
    /** Lets an agent ask for a move to an operator, and `acme` release it. */
    async release(agent: Mover, target: TestOperator, key: TestKey): Promise<AskedMove> {
      const move = await askToMove(agent, target, { key })
      await moves.release(acme, move)
      return move
    },
    /** Lets the delay of moves pass. */
    waitOut: () => {
      clock.now += IDENTITY_SETTINGS.moveDelayMs
    },
    setStatus: async ({ id }: TestOperator, status: OperatorStatus) => {
      await db.prisma.operator.update({ where: { id }, data: { status } })
    },
    /** Freezes an operator, or ends its freeze. */
    freeze: async ({ id }: TestOperator, frozenAt: Date | null) => {
      await db.prisma.operator.update({ where: { id }, data: { frozenAt } })
    },
    /** Asserts the reason of a refusal, and that nothing has changed. */
    expectRefusal: async (work: () => Promise<unknown>, reason: string) => {
      const before = await everything(db)
      expect(await refusalOf(work())).toBe(reason)
      expect(await everything(db)).toEqual(before)
    },
  }
}
