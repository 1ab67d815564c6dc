import { decodeBase64url } from '@auth4agent/core/encoding/base64'
import { buildDidDocument, type DidDocument, type DidSubject } from '@auth4agent/core/identity/did-document'
import { jwkThumbprint } from '@auth4agent/core/jose/public-jwk'
import type { KeyEventClaims } from '@auth4agent/core/key-events/event-claims'
import type { PrismaClient } from '../../gen/prisma/client.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { KeyFacts } from './key-events/key-facts.ts'
import { type AgentRecord, addedKeysOf, currentKey, otherDidsOf } from './store.ts'

/** The version that a resolution asks for; the newest one if both are undefined. */
export interface WantedVersion {
  readonly id: string | undefined
  readonly time: Date | undefined
}

/** A version of a DID document. */
export interface DidVersion {
  readonly document: DidDocument
  /** Number of the event with which the version began. */
  readonly seq: number
  readonly began: Date
}

/** A version's number and beginning. */
interface Found {
  readonly seq: number
  readonly began: Date
}

/**
 * Reads a version of an agent's DID document. Each event of the agent's log begins a version. The version of a time is
 * the last one that had begun by then, in whole seconds as the metadata shows them.
 *
 * @throws ApiError AGENT_NOT_FOUND if there is no such version
 */
export async function readDidVersion(
  prisma: PrismaClient,
  agent: AgentRecord,
  facts: KeyFacts,
  wanted: WantedVersion,
  now: Date,
): Promise<DidVersion> {
  const { did, status } = agent
  const alsoKnownAs = otherDidsOf(agent)
  const newest = { seq: facts.keySeq, began: facts.updatedAt ?? agent.createdAt }
  const found = await findVersion(prisma, agent.id, newest, wanted)
  if (found.seq < (await firstOf(prisma, agent))) throw noVersion(wanted)
  const at = wanted.time ?? found.began
  const isOfPast = found.seq < newest.seq || isBefore(at, agent.revokedAt, wanted)
  if (!isOfPast) {
    const addedKeys = addedKeysOf(agent, now)
    return {
      ...found,
      document: buildDidDocument({ did, status, publicKey: currentKey(agent), addedKeys, alsoKnownAs }),
    }
  }
  const keys = found.seq < newest.seq ? await readKeysAt(prisma, agent.id, found.seq) : keysOf(agent)
  const addedKeys = keys.addedKeys.filter(({ exp }) => exp * 1000 > at.getTime())
  const { publicKey } = keys
  const before = agent.movedFrom === null ? [] : [agent.movedFrom]
  return { ...found, document: buildDidDocument({ did, status: 'active', publicKey, addedKeys, alsoKnownAs: before }) }
}

/** Returns whether the version of a time was in force before the agent was revoked. */
function isBefore(at: Date, revokedAt: Date | null, { time }: WantedVersion): boolean {
  return time !== undefined && revokedAt !== null && inSeconds(at) < inSeconds(revokedAt)
}

async function findVersion(
  prisma: PrismaClient,
  agentId: string,
  newest: Found,
  { id, time }: WantedVersion,
): Promise<Found> {
  if (id !== undefined) {
    if (id === String(newest.seq)) return newest
    // The log of an agent has fewer events than six digits can count.
    const row =
      id.length <= 6
        ? await prisma.agentKeyEvent.findUnique({ where: { agentId_seq: { agentId, seq: Number(id) } } })
        : null
    if (row !== null) return { seq: row.seq, began: row.recordedAt }
    throw noVersion({ id, time })
  }
  if (time === undefined || inSeconds(newest.began) <= inSeconds(time)) return newest
  const [row] = await prisma.$queryRaw<Found[]>`
    SELECT seq, recorded_at AS began FROM agent_key_events
    WHERE agent_id = ${agentId}::uuid AND date_trunc('second', recorded_at) <= ${time} ORDER BY seq DESC LIMIT 1`
  if (row === undefined) throw noVersion({ id, time })
  return row
}

function noVersion({ id }: WantedVersion): ApiError {
  const detail =
    id === undefined
      ? 'version_time must not be before the agent registered'
      : 'version_id must be the number of an event in the log of the agent'
  return new ApiError('AGENT_NOT_FOUND', detail)
}

/**
 * Returns the number of the event with which the first version of a DID began. The log of an agent that has moved
 * begins with the events of its earlier DIDs.
 */
async function firstOf(prisma: PrismaClient, { id: agentId, did, movedFrom }: AgentRecord): Promise<number> {
  if (movedFrom === null) return 0
  const moves = await prisma.agentKeyEvent.findMany({
    where: { agentId, type: 'move' },
    select: { seq: true, event: true },
  })
  const arrival = moves.find(({ event }) => {
    const claims = claimsOf(event)
    return claims.type === 'move' && claims.to === did
  })
  return arrival?.seq ?? 0
}

function inSeconds(time: Date): number {
  return Math.floor(time.getTime() / 1000)
}

type AddedKeys = NonNullable<DidSubject['addedKeys']>

interface Keys {
  readonly publicKey: Uint8Array | undefined
  readonly addedKeys: AddedKeys
}

function keysOf(agent: AgentRecord): Keys {
  return { publicKey: currentKey(agent), addedKeys: addedKeysOf(agent) }
}

/** Reads the keys that an agent had after an event. The server has verified the events when it accepted them. */
async function readKeysAt(prisma: PrismaClient, agentId: string, seq: number): Promise<Keys> {
  const rows = await prisma.$queryRaw<{ event: string }[]>`
    (SELECT seq, event FROM agent_key_events WHERE agent_id = ${agentId}::uuid AND seq <= ${seq}
      AND type IN ('inception', 'rotate', 'recover') ORDER BY seq DESC LIMIT 1)
    UNION ALL
    SELECT seq, event FROM agent_key_events WHERE agent_id = ${agentId}::uuid AND seq <= ${seq}
      AND type IN ('add_key', 'remove_key') ORDER BY seq`
  const added = new Map<string, AddedKeys[number]>()
  let publicKey: Uint8Array | undefined
  for (const { event } of rows) {
    const claims = claimsOf(event)
    if (claims.type === 'add-key') added.set(jwkThumbprint(claims.key), { jwk: claims.key, exp: claims.exp })
    else if (claims.type === 'remove-key') added.delete(claims.kid)
    else if (isEstablishing(claims)) publicKey = decodeBase64url(claims.key.x)
  }
  return { publicKey, addedKeys: [...added.values()] }
}

type Establishing = Extract<KeyEventClaims, { readonly type: 'inception' | 'rotate' | 'recover' }>

/** Returns whether an event makes a key the identity key. */
function isEstablishing(claims: KeyEventClaims): claims is Establishing {
  return ['inception', 'rotate', 'recover'].includes(claims.type)
}

/** Returns the claims of a stored event. A strict parse of a whole log would take long, and is not needed here. */
function claimsOf(event: string): KeyEventClaims {
  const [, payload = ''] = event.split('.')
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as KeyEventClaims
}
