import { create } from '@bufbuild/protobuf'
import type { PrismaClient } from '../../../gen/prisma/client.ts'
import { AddIssuerRequestSchema } from '../../../gen/proto/auth4agent/v1/issuers_pb.ts'
import { type StoredChain, storeChain } from '../../federation/chains/chain-store.ts'
import type { FindChain, Search } from '../../federation/chains/find-chain.ts'
import { verifyStored } from '../../federation/chains/known-chain.ts'
import { isEntityId } from '../../federation/domain/entity-id.ts'
import { findKeySource } from '../../federation/domain/key-source.ts'
import type { ChainRefusal } from '../../federation/domain/refusal.ts'
import { type Author, change, demandUnused } from '../../ledger/ledger.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { Logger } from '../../platform/log/log.ts'
import { type AddressRules, parseIssuer } from './domain/parse-issuer.ts'
import { readNewIssuer } from './domain/read-new-issuer.ts'
import { type InsertingIssuer, type IssuerRow, type IssuerStore, insertIssuer, lockIssuers } from './store.ts'

/** An issuer with a chain that holds. */
export type Candidate = Omit<Extract<StoredChain, { readonly ok: true }>, 'ok'>

/** Dependencies of createDiscover. */
interface DiscoverDeps extends IssuerStore {
  readonly issuer: string
  readonly testDomains: boolean
  readonly findChain: FindChain
  readonly log: Pick<Logger, 'info'>
}

/** The most issuers that one anchor admits without approval. */
const MAX_AUTO_ADMITTED = 16

/**
 * Creates the function that looks for the chain of an issuer for the administrator, and records what it finds:
 * `admitted` is undefined if the issuer waits for approval.
 *
 * The function throws ApiError INVALID_ISSUER, ISSUER_EXISTS, TRUST_CHAIN_NOT_FOUND, TOO_MANY_ISSUERS.
 */
export function createDiscover(deps: DiscoverDeps) {
  const { prisma, vault, now, issuer: ourIssuer, testDomains, findChain, log } = deps
  const rules: AddressRules = { ourIssuer, testDomains }

  return async (author: Author, text: string) => {
    const subject = parseIssuer(text, 'oauth', rules)
    if (!isEntityId(subject)) throw new ApiError('INVALID_ISSUER', 'issuer must be an entity identifier')
    if ((await prisma.issuer.count({ where: { issuer: subject } })) > 0) throw new ApiError('ISSUER_EXISTS')
    // A copied request must not make this server fetch anything.
    await demandUnused(prisma, author)
    const search = await findChain(subject)
    if (!search.ok) {
      log.info({ subject, rule: search.rule, deadEnds: search.deadEnds }, 'no trust chain was found')
      throw refused(search, search.deadEnds)
    }
    return change(prisma, author, async (tx, audit) => {
      const stored = await storeChain({ tx, audit, now: now() }, search.found)
      if (!stored.ok) throw refused(stored, [])
      // Without keys for tokens, an admission would have no effect.
      if (findKeySource(stored.chain) === undefined) {
        throw refused({ rule: 'KEYS_MALFORMED', text: 'The metadata must have jwks, signed_jwks_uri or jwks_uri' }, [])
      }
      const candidate = { row: stored.row, chain: stored.chain }
      return { candidate, admitted: await admitAlone({ tx, audit, vault, now }, candidate, rules) }
    })
  }
}

/**
 * Admits a candidate whose anchor says so: as another deployment, whose revocations do not reach this one. Everything
 * else needs the administrator's approval.
 */
async function admitAlone(
  inserting: InsertingIssuer,
  { row: { subject, anchor } }: Candidate,
  rules: AddressRules,
): Promise<IssuerRow | undefined> {
  if (!anchor.autoAdmit || subject.endsWith('/')) return undefined
  await lockIssuers(inserting.tx)
  const others = await inserting.tx.issuer.count({ where: { anchor: anchor.entityId } })
  if (others >= MAX_AUTO_ADMITTED) return undefined
  const wanted = { kind: 'auth4agent', revocationMode: 'none', issuer: subject, anchor: anchor.entityId } as const
  return insertIssuer(inserting, await readNewIssuer(create(AddIssuerRequestSchema, wanted), rules))
}

function refused({ rule, text }: Pick<ChainRefusal, 'rule' | 'text'>, deadEnds: Search['deadEnds']): ApiError {
  const [first] = deadEnds
  const further = first === undefined ? '' : `; the hint ${first.hint} was refused: ${first.rule}: ${first.text}`
  return new ApiError('TRUST_CHAIN_NOT_FOUND', `${rule}: ${text}${further}`.slice(0, 1_000))
}

/** Reads the candidates, newest first. */
export async function listCandidates(prisma: PrismaClient, now: number): Promise<readonly Candidate[]> {
  const rows = await prisma.trustChain.findMany({ include: { anchor: true }, orderBy: { foundAt: 'desc' } })
  const where = { issuer: { in: rows.map(({ subject }) => subject) } }
  const admitted = new Set((await prisma.issuer.findMany({ where, select: { issuer: true } })).map((row) => row.issuer))
  return rows
    .filter(({ subject }) => !admitted.has(subject))
    .flatMap((row) => {
      const result = verifyStored(row, now)
      return result.ok ? [{ row, chain: result.chain }] : []
    })
}
