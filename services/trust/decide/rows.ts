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
    async issuer(issuer, judge) {
      const known = memory?.issuer(issuer)
      const quick = known && judge(known)
      return quick !== undefined && isSettled(quick) ? quick : judge(await reads.issuer(issuer))
    },
    async statements(owner, caller, judge) {
      const known = memory?.statements(owner, caller)
      const quick = known && (await judge(known))
      return quick !== undefined && isSettled(quick) ? quick : judge(await reads.statements(owner, caller))
    },
    async owner(audience, judge) {
      const known = memory?.owner(audience.text)
      const quick = known && (await judge(known))
      if (quick !== undefined && isSettled(quick)) return quick
      const current = await reads.owner(audience)
      return quick !== undefined && known?.operatorId === current.operatorId ? quick : judge(current)
    },
  }
}

function isSettled(leg: Judged): boolean {
  return leg.ok || leg.isFinal === true
}
