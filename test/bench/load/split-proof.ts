/** Separates the DPoP proof of a request from its body. Neither a JSON text nor a form has a raw tab. */
const SEPARATOR = '\t'

/** Returns a body that generators send with a DPoP proof in its header. */
export function withProof(proof: string, body: string): string {
  return `${proof}${SEPARATOR}${body}`
}

/** Returns the body of a request, and its DPoP proof if it has one. */
export function splitProof(text: string): { readonly body: string; readonly proof?: string } {
  const at = text.indexOf(SEPARATOR)
  return at === -1 ? { body: text } : { body: text.slice(at + 1), proof: text.slice(0, at) }
}
