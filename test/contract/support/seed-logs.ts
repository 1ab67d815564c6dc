import { decodeBase64url } from '@auth4agent/core/encoding/base64'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { ed25519Jwk } from '@auth4agent/core/key-events/sign-key-event'
import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import type { Db } from '../../../services/platform/db/db.ts'
import { computedInception, digestOf, eventOf, inceptionOf, type LogParty, recovery } from './key-events.ts'

/** Stored logs of agents, by name. Every other agent has no stored event. */
const LOGS: Readonly<Record<string, (log: SeededLog) => Promise<LogParty>>> = {
  committed: (log) => log.begin(),
  pending: (log) => log.begin(),
  recovering: async (log) => {
    const party = await log.begin()
    const event = recovery(party)
    await log.wait(event)
    return { ...party, waiting: digestOf(event) }
  },
  crowded: async (log) => {
    for (let count = 0; count < 4; count += 1) await log.add()
    return log.begin()
  },
  full: async (log) => {
    const party = await log.begin()
    // The server reads only the last event.
    const last = eventOf({ ...party, end: { ...party.end, seq: 1998 } }, { type: 'remove-key', kid: party.end.head })
    await log.store(1999, 'remove_key', last)
    return { ...party, end: { seq: 1999, head: digestOf(last) } }
  },
}

type SeededLog = ReturnType<typeof logOf>

/** Inserts the log of an agent of the world, if it has a stored one. Returns the agent with the end of its log. */
export async function seedLog(
  db: Db,
  name: string,
  agent: Pick<LogParty, 'did' | 'pair'> & { readonly id: string },
  createdAt: Date,
): Promise<LogParty> {
  const inception = computedInception(agent.did, agent.pair, createdAt)
  const party = { ...agent, next: generateKeyPair(), end: { seq: 0, head: digestOf(inception) }, waiting: '' }
  return (await LOGS[name]?.(logOf(db, agent.id, party))) ?? party
}

const digest = (event: string) => Uint8Array.from(decodeBase64url(digestOf(event)) ?? [])

function logOf({ prisma }: Db, agentId: string, party: LogParty) {
  const store = async (seq: number, type: 'inception' | 'remove_key', event: string) => {
    await prisma.agentKeyEvent.create({ data: { agentId, seq, type, event, digest: digest(event) } })
  }
  return {
    store,
    async begin(): Promise<LogParty> {
      const inception = inceptionOf(party)
      await store(0, 'inception', inception)
      await prisma.agentKey.updateMany({ where: { agentId }, data: { next: thumbprint(party.next.publicKey) } })
      return { ...party, end: { seq: 0, head: digestOf(inception) } }
    },
    async add() {
      const { publicKey } = generateKeyPair()
      const expiresAt = new Date(Date.now() + 3_600_000)
      const publicJwk = { ...ed25519Jwk(publicKey) }
      const data = { agentId, thumbprint: thumbprint(publicKey), publicJwk, label: 'laptop', expiresAt }
      await prisma.agentAddedKey.create({ data })
    },
    async wait(event: string) {
      const times = { requestedAt: new Date(), effectiveAt: new Date(Date.now() + 86_400_000) }
      const data = { agentId, type: 'recover', event, digest: digest(event), ...times } as const
      await prisma.agentPendingEvent.create({ data })
    },
  }
}
