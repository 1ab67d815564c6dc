/** The label under which the proof of a domain stands. */
export const RECORD_LABEL = '_auth4agents'
/** Version tag of the proof's text. */
export const RECORD_VERSION = 'a4a1'

/** What a proof binds together: this server, an operator id and the root key's RFC 7638 thumbprint. */
export interface ProofSubject {
  readonly issuer: string
  readonly operatorId: string
  readonly thumbprint: string
}

/** Owner name of the TXT record that proves a domain. */
export function recordName(domain: string): string {
  return `${RECORD_LABEL}.${domain}`
}

/** Text of the TXT record that proves a domain. */
export function recordValue({ issuer, operatorId, thumbprint }: ProofSubject): string {
  return `v=${RECORD_VERSION}; iss=${issuer}; op=${operatorId}; rk=${thumbprint}`
}
