import { type Dpop, NONCE_HEADER } from './dpop.ts'
import { Auth4AgentError } from './errors.ts'
import type { Server } from './server.ts'
import type { Call } from './transport.ts'

/** A call with a proof of a key (RFC 9449 section 5). */
interface ProvenCall extends Pick<Call, 'path' | 'signal'> {
  readonly dpop: Dpop
  /** Makes the body. It is called again for a repetition, because a server may accept a signature only once. */
  readonly body: () => unknown
}

/** Posts a request with a proof. If the server demands a nonce in the proof, it sends the request once more. */
export async function postWithProof(
  { issuer, transport }: Server,
  { dpop, path, signal, body }: ProvenCall,
): Promise<unknown> {
  const method = 'POST'
  const url = issuer + path
  // The key is a URL with a path, so this nonce is never sent to an API on the same origin.
  let given: string | undefined
  const attempt = async (nonce: string | undefined) => {
    const [proof, sent] = [await dpop.prove({ method, url, nonce }), await body()]
    const onHeaders = (headers: Headers) => {
      given = dpop.nonces.learn(url, headers.get(NONCE_HEADER))
    }
    return transport({ method, path, body: sent, signal, dpop: proof, onHeaders })
  }
  try {
    return await attempt(dpop.nonces.of(url))
  } catch (error) {
    const isDemand = error instanceof Auth4AgentError && error.reason === 'DPOP_NONCE_REQUIRED'
    if (!isDemand || given === undefined) throw error
    return attempt(given)
  }
}
