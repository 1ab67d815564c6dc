import { MAX_DPOP_PROOF_BYTES } from '@auth4agent/core/dpop/dpop-proof'
import type { SentProof } from './call.ts'

/**
 * Returns the DPoP proof of a request, from the header or metadata `dpop`. Returns an object to spread into the Meta
 * of the request: it is empty without the header. Keeps only the start of a header that is too long, which is no
 * proof.
 */
export function sentProof(
  header: string | readonly string[] | null | undefined,
  method: string,
  url: string,
): { readonly dpop?: SentProof } {
  if (header === undefined || header === null) return {}
  const text = [header].flat().join(', ')
  return { dpop: { text: text.slice(0, MAX_DPOP_PROOF_BYTES + 1), method, url } }
}
