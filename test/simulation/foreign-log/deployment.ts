import { recordHash } from '@auth4agent/core/revocation/record-hash'
import type { LogPosition, RevocationRecord } from '@auth4agent/core/revocation/revocation-log'

/** One history of the revocation log. Two histories may have different records at the same positions. */
export interface Branch {
  readonly logEpoch: number
  readonly records: RevocationRecord[]
}

/** A head that a server has read from the database. */
export interface MadeHead {
  /** True time. */
  readonly at: number
  readonly branch: Branch
  /** The number of records up to the head. */
  readonly length: number
}

const EMPTY: LogPosition = { logEpoch: 1, sequence: 0, hash: '' }
const LIFETIME_MS = 3_900_000

/** Another deployment: what its servers have in their databases, and what they have said about it. */
export class Deployment {
  /** What its administrator believes to be the log. */
  main: Branch = { logEpoch: 1, records: [] }
  readonly heads: MadeHead[] = []
  /** The log epoch of the last head that was sent. */
  sentEpoch = 0

  /** Ends a token. */
  end(jti: string, branch = this.main): void {
    const last = branch.records.at(-1) ?? EMPTY
    const content = {
      logEpoch: branch.logEpoch,
      sequence: last.sequence + 1,
      kind: 'token',
      operatorId: 'operator',
      subject: jti,
      minimumEpoch: 0,
      expiresAt: Date.now() + LIFETIME_MS,
      recordedAt: Date.now(),
      previousHash: last.hash,
    }
    branch.records.push({ ...content, hash: recordHash(content) })
  }

  /** Returns a copy of the history without its last `lost` records. */
  copy(lost: number, logEpoch = this.main.logEpoch): Branch {
    return { logEpoch, records: this.main.records.slice(0, Math.max(0, this.main.records.length - lost)) }
  }

  /** Notes that a server reads the head of a history now. */
  readHead(branch: Branch, length: number): LogPosition {
    this.heads.push({ at: Date.now(), branch, length })
    return positionOf(branch, length)
  }
}

/** Returns the position of a head. */
export function positionOf({ logEpoch, records }: Branch, length: number): LogPosition {
  const { sequence, hash } = records[length - 1] ?? EMPTY
  return { logEpoch, sequence, hash }
}

/** Tells whether a history has ended a token within its first records. */
export function hasEnded({ records }: Branch, length: number, jti: string): boolean {
  return records.slice(0, length).some(({ subject }) => subject === jti)
}
