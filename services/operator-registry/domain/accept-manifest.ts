import type { OperatorManifest } from '@auth4agent/core/identity/operator-manifest'
import { manifestDemand, parseOperatorManifest } from '@auth4agent/core/identity/parse-operator-manifest'
import { isSignedByRoot, type KeysInForce } from '@auth4agent/core/identity/verify-manifest-chain'
import { ApiError } from '../../platform/errors/api-error.ts'

/** A manifest that an operator wants to set, and the keys that it replaces. */
export interface ManifestCase {
  readonly text: string
  readonly operatorId: string
  readonly issuer: string
  readonly current: KeysInForce
  /** Unix seconds. */
  readonly nowS: number
}

/** Seconds by which the clock of the signer may be ahead. */
const MAX_AHEAD_S = 60

/**
 * Checks that a manifest is well formed, signed by a current root key, and follows the manifest in force.
 *
 * @throws ApiError INVALID_MANIFEST, MANIFEST_CONFLICT
 */
export function acceptManifest({ text, operatorId, issuer, current, nowS }: ManifestCase): OperatorManifest {
  const rules = { operatorId, issuer }
  const parsed = parseOperatorManifest(text, rules)
  if (!parsed.ok) throw new ApiError('INVALID_MANIFEST', manifestDemand(parsed, rules))
  if (!isSignedByRoot(parsed, current.rootKeys)) {
    throw new ApiError(
      'INVALID_MANIFEST',
      'A root key that is in force now must have signed the manifest, with its thumbprint as kid',
    )
  }
  const { manifest } = parsed
  if (manifest.iat > nowS + MAX_AHEAD_S) {
    throw new ApiError('INVALID_MANIFEST', 'iat of the manifest must not be in the future')
  }
  if (manifest.seq !== current.seq + 1) {
    const detail = `seq of the manifest must be ${current.seq + 1}, one more than that of the manifest in force`
    throw new ApiError('MANIFEST_CONFLICT', detail)
  }
  return manifest
}

/** Returns whether a manifest only takes keys away: it has fewer keys, and each of them as it was before. */
export function onlyRemovesKeys(before: KeysInForce, after: OperatorManifest): boolean {
  const known = new Set([...before.rootKeys, ...before.keys].map((key) => JSON.stringify(key)))
  const kept = [...after.rootKeys, ...after.keys].map((key) => JSON.stringify(key))
  return kept.length < known.size && kept.every((key) => known.has(key)) && after.threshold <= before.threshold
}

/** Returns whether two sets of root keys differ. */
export function hasOtherRootKeys(
  one: Pick<OperatorManifest, 'rootKeys'>,
  other: Pick<OperatorManifest, 'rootKeys'>,
): boolean {
  const kids = new Set(one.rootKeys.map(({ kid }) => kid))
  return kids.size !== other.rootKeys.length || other.rootKeys.some(({ kid }) => !kids.has(kid))
}
