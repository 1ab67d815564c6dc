import type { TokenAttestation } from '@auth4agent/core/token/attestation'

/**
 * Returns the claim that states results of attestation; nothing without results. The results were appraised by another
 * process, whose clock may be ahead: the token must not state a time after it was issued.
 *
 * @param nowS when the token is issued, in Unix seconds
 */
export function attestationClaim(
  results: readonly TokenAttestation[],
  nowS: number,
): { readonly attestation?: readonly TokenAttestation[] } {
  if (results.length === 0) return {}
  return { attestation: results.map((result) => ({ ...result, at: Math.min(result.at, nowS) })) }
}
