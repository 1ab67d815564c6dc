import { randomUUID } from 'node:crypto'
import { isUuid } from '@auth4agent/core/encoding/uuid'
import type {
  Issuer,
  IssuerDomain,
  IssuerEndedKey,
  IssuerKey,
  Prisma,
  PrismaClient,
} from '../../../gen/prisma/client.ts'
import { lockAnchor, readChainOf } from '../../federation/chains/chain-store.ts'
import { verifyStored } from '../../federation/chains/known-chain.ts'
import type { KeyVault } from '../../keys/index.ts'
import { type Audit, type Author, change } from '../../ledger/ledger.ts'
import type { Tx } from '../../platform/db/db.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { NewIssuer } from './domain/read-new-issuer.ts'
import { endClaims } from './domains/store-domains.ts'

/** An issuer with everything that is known of it. */
export type IssuerRow = Issuer & {
  readonly keys: readonly IssuerKey[]
  readonly endedKeys: readonly IssuerEndedKey[]
  readonly domains: readonly IssuerDomain[]
}

/** Dependencies of the functions that change issuers. */
export interface IssuerStore {
  readonly prisma: PrismaClient
  readonly vault: KeyVault
  /** Returns the wall-clock time in Unix milliseconds. */
  readonly now: () => number
  /** By how much the clock of an issuer may be ahead, in milliseconds. */
  readonly skewMs: number
}

/** Maximum number of issuers of a deployment, disabled ones included. */
const MAX_ISSUERS = 64
/** Key of the advisory lock under which issuers are added. */
const ADD_LOCK = 0x69737375
const KEYS_FIRST_SEEN = [{ firstSeenAt: 'asc' }, { kid: 'asc' }] satisfies Prisma.IssuerKeyOrderByWithRelationInput[]
/** Only outside a transaction: Prisma reads the relations at the same time, and a transaction has one connection. */
const WITH_ALL = {
  keys: { orderBy: KEYS_FIRST_SEEN },
  endedKeys: true,
  domains: { orderBy: { domain: 'asc' } },
} satisfies Prisma.IssuerInclude

/** Reads all issuers, oldest first. */
export function listIssuers(prisma: PrismaClient): Promise<IssuerRow[]> {
  return prisma.issuer.findMany({ include: WITH_ALL, orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] })
}

/**
 * Admits an issuer, and seals its secret.
 *
 * @throws ApiError ISSUER_EXISTS, TOO_MANY_ISSUERS, TRUST_CHAIN_NOT_FOUND
 */
export function addIssuer(store: IssuerStore, author: Author, issuer: NewIssuer): Promise<IssuerRow> {
  return change(store.prisma, author, (tx, audit) => insertIssuer({ ...store, tx, audit }, issuer))
}

/** What insertIssuer works with. */
export interface InsertingIssuer extends Pick<IssuerStore, 'vault' | 'now'> {
  readonly tx: Tx
  readonly audit: Audit
}

/**
 * Admits an issuer within a transaction.
 *
 * @throws ApiError ISSUER_EXISTS, TOO_MANY_ISSUERS, TRUST_CHAIN_NOT_FOUND
 */
export async function insertIssuer({ tx, audit, vault, now }: InsertingIssuer, issuer: NewIssuer): Promise<IssuerRow> {
  const id = randomUUID()
  const { secret, domain, ...columns } = issuer
  const sealed = secret === undefined ? undefined : vault.seal(Buffer.from(secret), { purpose: 'issuer', id })
  await lockIssuers(tx)
  const known = await tx.issuer.findMany({ select: { issuer: true } })
  if (known.some((row) => row.issuer === issuer.issuer)) throw new ApiError('ISSUER_EXISTS')
  if (known.length >= MAX_ISSUERS) {
    throw new ApiError(
      'TOO_MANY_ISSUERS',
      `A deployment must have at most ${MAX_ISSUERS} issuers, disabled ones included`,
    )
  }
  if (issuer.anchor !== null) await demandChain(tx, issuer.issuer, issuer.anchor, now())
  if (domain !== undefined) await endClaims(tx, audit, domain.operatorId)
  const at = new Date(now())
  const due = { keysDueAt: at, statementsDueAt: at, createdAt: at }
  const wrapped = sealed && { wrappedSecret: sealed.wrapped, kekId: sealed.kekId }
  const domains = domain && { domains: { create: { ...domain } } }
  const row = await tx.issuer.create({ data: { id, ...columns, ...due, ...wrapped, ...domains } })
  const by = issuer.anchor === null ? '' : `, under ${issuer.anchor}`
  await audit({ action: 'issuer.add', subject: issuer.issuer, reason: `${issuer.kind}, ${issuer.revocationMode}${by}` })
  return readRelations(tx, row)
}

/** Only one transaction at a time adds issuers. */
export async function lockIssuers(tx: Tx): Promise<void> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(${ADD_LOCK}::int8)`
}

/** The administrator approves a chain to one anchor. Another chain, found since, is not what was approved. */
async function demandChain(tx: Tx, subject: string, anchorId: string, now: number): Promise<void> {
  const anchor = await lockAnchor(tx, anchorId, 'keep')
  const row = anchor === null ? null : await readChainOf(tx, subject)
  if (row?.anchorId === anchorId && verifyStored(row, now).ok) return
  throw new ApiError('TRUST_CHAIN_NOT_FOUND', `The issuer must be a candidate under the trust anchor ${anchorId}`)
}

/**
 * Disables an issuer. A trigger writes its new generation to the revocation log. Changes nothing when the issuer is
 * disabled already.
 *
 * @throws ApiError ISSUER_NOT_FOUND
 */
export function disableIssuer({ prisma }: IssuerStore, author: Author, id: string, reason: string): Promise<IssuerRow> {
  return change(prisma, author, async (tx, audit) => {
    const row = await lockIssuer(tx, id)
    if (row.status === 'disabled') return row
    await audit({ action: 'issuer.disable', subject: row.issuer, reason })
    const data = { status: 'disabled', generation: { increment: 1 } } as const
    return readRelations(tx, await tx.issuer.update({ where: { id }, data }))
  })
}

/**
 * Admits a disabled issuer again. Tokens that were issued before now stay refused, even if the issuer's clock is
 * ahead. Changes nothing when the issuer is enabled.
 *
 * @throws ApiError ISSUER_NOT_FOUND
 */
export function enableIssuer(
  { prisma, now, skewMs }: IssuerStore,
  author: Author,
  id: string,
  reason: string,
): Promise<IssuerRow> {
  return change(prisma, author, async (tx, audit) => {
    const row = await lockIssuer(tx, id)
    if (row.status === 'enabled') return row
    await audit({ action: 'issuer.enable', subject: row.issuer, reason })
    const at = new Date(now())
    const acceptedFrom = new Date(at.getTime() + skewMs)
    const data = { status: 'enabled', acceptedFrom, keysDueAt: at, statementsDueAt: at } as const
    return readRelations(tx, await tx.issuer.update({ where: { id }, data }))
  })
}

/**
 * Accepts a withdrawn key again. Changes nothing when the key is not withdrawn.
 *
 * @throws ApiError ISSUER_NOT_FOUND, KEY_NOT_FOUND
 */
export function readmitKey(
  { prisma, now }: IssuerStore,
  author: Author,
  { id, kid }: { readonly id: string; readonly kid: string },
  reason: string,
): Promise<IssuerRow> {
  return change(prisma, author, async (tx, audit) => {
    const row = await lockIssuer(tx, id)
    const key = row.keys.find((each) => each.kid === kid)
    if (key === undefined) throw new ApiError('KEY_NOT_FOUND', 'The issuer has published no key with this kid')
    if (row.endedKeys.some((each) => each.kid === kid)) {
      throw new ApiError('KEY_NOT_FOUND', 'The revocation log of the issuer has ended this key, which is final')
    }
    if (key.withdrawnAt === null) return row
    await audit({ action: 'issuer.readmit-key', subject: `${row.issuer} ${kid}`, reason })
    await tx.issuerKey.update({ where: { issuerId_kid: { issuerId: id, kid } }, data: { withdrawnAt: null } })
    return readRelations(tx, await tx.issuer.update({ where: { id }, data: { keysDueAt: new Date(now()) } }))
  })
}

/**
 * Reads an issuer and locks it until the transaction ends.
 *
 * @throws ApiError ISSUER_NOT_FOUND
 */
export async function lockIssuer(tx: Tx, id: string): Promise<IssuerRow> {
  if (!isUuid(id)) throw new ApiError('ISSUER_NOT_FOUND')
  await tx.$queryRaw`SELECT 1 FROM "issuers" WHERE "id" = ${id}::uuid FOR UPDATE`
  const row = await tx.issuer.findUnique({ where: { id } })
  if (row === null) throw new ApiError('ISSUER_NOT_FOUND')
  return readRelations(tx, row)
}

/** Reads all that is known of an issuer, one statement after the other. */
async function readRelations(tx: Tx, row: Issuer): Promise<IssuerRow> {
  const where = { issuerId: row.id }
  const keys = await tx.issuerKey.findMany({ where, orderBy: KEYS_FIRST_SEEN })
  const endedKeys = await tx.issuerEndedKey.findMany({ where })
  return { ...row, keys, endedKeys, domains: await tx.issuerDomain.findMany({ where, orderBy: { domain: 'asc' } }) }
}
