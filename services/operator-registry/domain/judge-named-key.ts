/** What the only record in DNS of an operator says about its keys. */
export interface NamedKeyCase {
  /** The thumbprint in the record; undefined if DNS has no single record of the operator, or no majority agrees. */
  readonly named: string | undefined
  /** Thumbprints of the operator's root keys. */
  readonly rootKeys: readonly string[]
  /** The root key that the record named before. */
  readonly rootKeyThumbprint: string
  readonly isFrozen: boolean
}

/** What follows for the operator. */
export interface NamedKeyVerdict {
  /** Whether the record names a key that is no root key of the operator. */
  readonly isForeign: boolean
  readonly becomes: 'frozen' | 'unfrozen' | undefined
  /** The other root key that the record names now. */
  readonly adopts: string | undefined
}

/**
 * Judges the key that the record of an operator names. A key that is no root key freezes the operator, because its DNS
 * and its keys no longer agree about who it is.
 */
export function judgeNamedKey({ named, rootKeys, rootKeyThumbprint, isFrozen }: NamedKeyCase): NamedKeyVerdict {
  if (named === undefined) return { isForeign: false, becomes: undefined, adopts: undefined }
  if (!rootKeys.includes(named)) {
    return { isForeign: true, becomes: isFrozen ? undefined : 'frozen', adopts: undefined }
  }
  return {
    isForeign: false,
    becomes: isFrozen ? 'unfrozen' : undefined,
    adopts: named === rootKeyThumbprint ? undefined : named,
  }
}
