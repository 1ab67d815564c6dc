import { randomUUID } from 'node:crypto'
import { decodeBase64url } from '@auth4agent/core/encoding/base64'
import type { Db } from '../../../services/platform/db/db.ts'
import { ISSUER } from '../../support/assertions.ts'
import { OTHER_ISSUER, OTHER_OPERATOR, releaseOf, underDomain } from './agent-moves.ts'
import { computedInception, digestOf, eventOf, recovery } from './key-events.ts'
import type { AgentName, OperatorName, SeededAgent, SeededOperator } from './seed.ts'

/** Where an agent of the world wants to go, and what else holds. */
interface Wish {
  /** An operator of the world, or undefined for an operator of another server. */
  readonly target?: OperatorName
  /** The operator whose domain the new DID has, if it is not the target's. */
  readonly domainOf?: OperatorName
  readonly isReleased?: true
  readonly isRecovering?: true
  /** Whether the agent has left for the other server. */
  readonly hasLeft?: true
  /** Whether the target already has an agent with the new DID. */
  readonly isKnown?: true
  /** Whether the log is too long for a bundle. */
  readonly isLong?: true
}

const WISHES: Partial<Readonly<Record<AgentName, Wish>>> = {
  moving: { target: 'bravo' },
  leaving: {},
  leavingInRecovery: { isRecovering: true },
  bulky: { isLong: true },
  left: { hasLeft: true },
  arriving: { target: 'acme', isReleased: true },
  unreleased: { target: 'acme' },
  arrivingInRecovery: { target: 'acme', isReleased: true, isRecovering: true },
  misdirected: { target: 'acme', domainOf: 'bound', isReleased: true },
  known: { target: 'acme', isReleased: true, isKnown: true },
  ofSuspended: { target: 'acme', isReleased: true },
}

type Operators = Readonly<Record<OperatorName, SeededOperator>>

/** Lets the agents of the world that want to move ask for it. Returns the agents with what waits for them. */
export async function seedMoves(db: Db, agents: Record<AgentName, SeededAgent>, operators: Operators): Promise<void> {
  for (const name of Object.keys(WISHES) as AgentName[]) {
    agents[name] = await seedMove(db, agents[name], operators, WISHES[name] ?? {})
  }
}

async function seedMove({ prisma }: Db, agent: SeededAgent, operators: Operators, wish: Wish): Promise<SeededAgent> {
  const { id: agentId, did, pair } = agent
  const domain = wish.target === undefined ? 'other-server.com' : operators[wish.domainOf ?? wish.target].domain
  const to = underDomain(did, domain)
  const operatorId = wish.target === undefined ? OTHER_OPERATOR : operators[wish.target].id
  const issuer = wish.target === undefined ? OTHER_ISSUER : ISSUER
  const { createdAt } = await prisma.agent.findUniqueOrThrow({ where: { id: agentId } })
  const store = async (seq: number, type: 'inception' | 'rotate' | 'deactivate' | 'move', event: string) => {
    await prisma.agentKeyEvent.create({ data: { agentId, seq, type, event, digest: digestBytes(event) } })
  }
  let party = agent
  if (wish.isLong === true) {
    for (let seq = 0; seq < 40; seq += 1) await store(seq, 'deactivate', 'x'.repeat(8000))
    const last = eventOf(
      { ...party, end: { seq: 39, head: 'A'.repeat(43) } },
      { type: 'remove-key', kid: 'A'.repeat(43) },
    )
    await store(40, 'rotate', last)
    party = { ...party, end: { seq: 40, head: digestOf(last) } }
  }
  const move = eventOf(party, { type: 'move', to, operator_id: operatorId, issuer })
  const moved = { ...party, waiting: digestOf(move) }
  const owner = Object.values(operators).find(({ id }) => id === agent.operatorId)
  const release = owner === undefined ? '' : releaseOf(owner, moved, domain)
  if (wish.hasLeft === true) {
    await store(0, 'inception', computedInception(did, pair, createdAt))
    await store(1, 'move', move)
    await prisma.agent.update({ where: { id: agentId }, data: { movedTo: to, release, releaseManifestSeq: 0 } })
    return moved
  }
  const times = { requestedAt: new Date(), effectiveAt: new Date(Date.now() + 86_400_000) }
  const released = wish.isReleased === true ? { releasedAt: new Date(), release, releaseManifestSeq: 0 } : {}
  const wait = async (type: 'move' | 'recover', event: string, more: object) => {
    const data = { agentId, type, event, digest: digestBytes(event), ...times, ...more }
    await prisma.agentPendingEvent.create({ data })
  }
  await wait('move', move, released)
  if (wish.isRecovering === true) await wait('recover', recovery(party), {})
  if (wish.isKnown === true)
    await prisma.agent.create({ data: { id: randomUUID(), operatorId, did: to, status: 'active' } })
  return moved
}

const digestBytes = (event: string) => Uint8Array.from(decodeBase64url(digestOf(event)) ?? [])
