import { sha256Text } from '@auth4agent/core/encoding/sha256'
import { type AttestationLevel, isAttestationLevel } from '@auth4agent/core/token/attestation'
import { Prisma, type PrismaClient } from '../../../gen/prisma/client.ts'
import type { Tx } from '../../platform/db/db.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { Appraised, Use } from '../appraise.ts'
import type { CurrentResult } from '../rules/results.ts'
import type { VerifiedClaims } from '../types/attestor-type.ts'
import { lockShared } from './fair-lock.ts'

/** An agent that attests, and its key. */
export interface AttestedAgent {
  readonly id: string
  readonly did: string
  /** RFC 7638 thumbprint of the key that the evidence is bound to. */
  readonly keyThumbprint: string
}

/**
 * Writes the results of an agent, and uses up the nonce and the evidence. Results of other attestors stay. The caller
 * has locked the row of the agent.
 *
 * @throws ApiError EVIDENCE_USED; UNAVAILABLE when an attestor was replaced since the appraisal
 */
export async function writeResults(tx: Tx, agent: AttestedAgent, appraised: readonly Appraised[]): Promise<void> {
  await useOnce(
    tx,
    appraised.flatMap(({ uses }) => uses),
  )
  await lockShared(
    tx,
    appraised.map(({ result }) => result.attestorId),
  )
  for (const { result } of appraised) {
    const { attestorId, type, claims, level, verifiedAt, expiresAt } = result
    const row = {
      keyThumbprint: agent.keyThumbprint,
      claims: { ...claims },
      level,
      verifiedAt: new Date(verifiedAt),
      expiresAt: new Date(expiresAt),
    }
    await refuseIfReplaced(
      tx.attestationResult.upsert({
        where: { agentId_attestorId: { agentId: agent.id, attestorId } },
        create: { agentId: agent.id, attestorId, ...row },
        update: row,
      }),
    )
    if (type === 'join-token') await markJoinToken(tx, claims, agent.did)
  }
  const until = Math.max(...appraised.map(({ result }) => result.expiresAt))
  await tx.$executeRaw`
    UPDATE agents SET attested_until = greatest(attested_until, ${new Date(until)}::timestamptz)
    WHERE id = ${agent.id}::uuid`
}

/** Reads the results of an agent that are bound to its current key, expired ones too, by attestor. */
export async function readResults(
  prisma: PrismaClient | Tx,
  agentId: string,
  keyThumbprint?: string,
): Promise<CurrentResult[]> {
  const rows = await prisma.attestationResult.findMany({
    where: { agentId, ...(keyThumbprint !== undefined && { keyThumbprint }) },
    include: { attestor: { select: { name: true, type: true } } },
    orderBy: { attestor: { name: 'asc' } },
  })
  return rows.map(({ attestorId, attestor, claims, level, verifiedAt, expiresAt }) => ({
    attestorId,
    attestor: attestor.name,
    type: attestor.type,
    level: levelOf(level),
    claims: claimsOf(claims),
    verifiedAt: verifiedAt.getTime(),
    expiresAt: expiresAt.getTime(),
  }))
}

/**
 * Remembers what may be used once. A row is removed only after `until` has certainly passed, and nothing is accepted
 * from before the time that rows were removed.
 */
async function useOnce(tx: Tx, uses: readonly Use[]): Promise<void> {
  // In one order, because two transactions that insert the same rows in opposite order would wait for each other.
  const rows = new Map(
    uses
      .map(({ id, until }) => [sha256Text(id, 'hex'), until] as const)
      .toSorted(([left], [right]) => (left < right ? -1 : 1)),
  )
  const inserted = await tx.$executeRaw`
    INSERT INTO attestation_uses (id, keep_until)
    SELECT decode(u.id, 'hex'), to_timestamp(u.until / 1000)
    FROM unnest(${[...rows.keys()]}::text[], ${[...rows.values()]}::float8[]) AS u(id, until)
    WHERE to_timestamp(u.until / 1000) > COALESCE((SELECT clock_reached FROM deployment), '-infinity')
    ON CONFLICT DO NOTHING`
  if (rows.size < uses.length || inserted < rows.size) throw new ApiError('EVIDENCE_USED')
}

/** Tells whether something has been used before. */
export async function isUsed(prisma: PrismaClient, ids: readonly string[]): Promise<boolean> {
  const digests = ids.map((id) => Uint8Array.from(Buffer.from(sha256Text(id, 'hex'), 'hex')))
  return (await prisma.attestationUse.count({ where: { id: { in: digests } } })) > 0
}

async function markJoinToken(tx: Tx, { token_id: id }: VerifiedClaims, did: string): Promise<void> {
  const { count } = await tx.joinToken.updateMany({ where: { id: String(id), usedBy: null }, data: { usedBy: did } })
  if (count === 0) throw new ApiError('EVIDENCE_USED')
}

async function refuseIfReplaced(work: Promise<unknown>): Promise<void> {
  try {
    await work
  } catch (error) {
    const isGone = error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2003'
    if (!isGone) throw error
    throw new ApiError('UNAVAILABLE', 'The attestor was changed during the call; try again', {
      isFault: false,
      retryAfter: 1,
    })
  }
}

function levelOf(text: string): AttestationLevel {
  if (isAttestationLevel(text)) return text
  throw new Error('The stored level of a result is unknown')
}

function claimsOf(claims: Prisma.JsonValue): VerifiedClaims {
  if (claims === null || typeof claims !== 'object' || Array.isArray(claims)) throw new Error('Claims are an object')
  return Object.fromEntries(Object.entries(claims).flatMap(([name, value]) => (isClaim(value) ? [[name, value]] : [])))
}

function isClaim(value: unknown): value is VerifiedClaims[string] {
  if (Array.isArray(value)) return value.every((each) => typeof each === 'string')
  return ['string', 'number', 'boolean'].includes(typeof value)
}
