import type { Audience } from '@auth4agent/core/token/audience'
import type { LookupAudienceOwnerResponse } from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import type { KnownIssuer } from '../issuers/known-issuer.ts'
import type { KnownGraph } from './known-graph.ts'

/** A leg of an answer. A no that is final depends on no row, so it is the same whatever the database has. */
type Judged = { readonly ok: true } | { readonly ok: false; readonly isFinal?: boolean }

/** The operator that owns an audience, with its rules about it. `operatorId` is empty if nobody owns it. */
export type Owner = Pick<LookupAudienceOwnerResponse, 'operatorId' | 'rules'>

/**
 * The rows that decide about other deployments. Where a process remembers rows, a leg is judged by these first. They
 * may say yes. A no is judged again by the rows of the database, because what is remembered may lack what was added
 * since.
 */
export interface Rows {
  /** Judges an issuer by its row; undefined if it is not admitted. */
  issuer<T extends Judged>(issuer: string, judge: (row: KnownIssuer | undefined) => T): Promise<T>
  /** Judges by the statements that can decide about an owner of audiences and a caller. */
  statements<T extends Judged>(owner: string, caller: string, judge: (known: KnownGraph) => T | Promise<T>): Promise<T>
  /** Judges by who owns an audience. Another owner may say yes where the remembered one says no. */
  owner<T extends Judged>(audience: Audience, judge: (owner: Owner) => T | Promise<T>): Promise<T>
}

/** What this process remembers of rows. Undefined where it must read. */
export interface Memory {
  issuer(issuer: string): KnownIssuer | undefined
  statements(owner: string, caller: string): KnownGraph | undefined
  owner(audience: string): Owner | undefined
}

/** Reads rows from the primary, and remembers them. */
export interface Reads {
  issuer(issuer: string): Promise<KnownIssuer | undefined>
  statements(owner: string, caller: string): Promise<KnownGraph>
  owner(audience: Audience): Promise<Owner>
}

/** Creates the rows of the database, or those that a process remembers. */
export function createRows(reads: Reads, memory?: Memory): Rows {
  return {
    issuer: (issuer, judge) => judgeRow(memory?.issuer(issuer), judge, () => reads.issuer(issuer)),
    statements: (owner, caller, judge) =>
      judgeRow(memory?.statements(owner, caller), judge, () => reads.statements(owner, caller)),
    // A no by the statements of the same owner was judged again already.
    owner: (audience, judge) => judgeRow(memory?.owner(audience.text), judge, () => reads.owner(audience), isSameOwner),
  }
}

/** Judges by the row that is remembered. Reads the row for a no, unless it is final, and judges again. */
async function judgeRow<K, T extends Judged>(
  known: K | undefined,
  judge: (row: K) => T | Promise<T>,
  read: () => Promise<K>,
  isSame: (known: K, current: K) => boolean = () => false,
): Promise<T> {
  if (known === undefined) return judge(await read())
  const quick = await judge(known)
  if (quick.ok || quick.isFinal === true) return quick
  const current = await read()
  return isSame(known, current) ? quick : judge(current)
}

function isSameOwner(known: Owner, current: Owner): boolean {
  return known.operatorId === current.operatorId
}
