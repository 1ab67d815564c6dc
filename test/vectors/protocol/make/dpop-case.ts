import { sha256Text } from '@auth4agent/core/encoding/sha256'
import { sign } from '@auth4agent/core/keys/ed25519'
import { compact, type Edits, shown } from './jws.ts'
import { DPOP_KEY, NOW_S, type ProofKey } from './parties.ts'
import { inPieces, inShort, type Pieces } from './repeats.ts'
import { token } from './token-case.ts'

/** The request that carries a proof, and the clock of the verifier. */
export interface ProofRequest {
  readonly method: string
  readonly url: string
  readonly now: number
  /** Null at the token endpoint, where the request carries no token. */
  readonly access_token: string | null
}

/** Changes of a case to the header and the claims of the good proof. */
export interface Changes {
  readonly key?: ProofKey
  readonly header?: Edits
  readonly claims?: Edits
}

export interface ProofCase {
  readonly name: string
  readonly changed?: object
  readonly request?: Partial<ProofRequest>
  readonly proof?: string
  /** The proof in pieces. It replaces `proof` if the proof is long. */
  readonly proof_pieces?: Pieces
  readonly expect: unknown
}

export const SKEW_S = 10
export const WINDOW_S = 60
const JTI = 'proof-1'
/** A token that is bound to the key of the good proof. */
export const BOUND_TOKEN = await token({ claims: { cnf: { jkt: DPOP_KEY.jkt } } })
export const REQUEST: ProofRequest = {
  method: 'GET',
  url: 'https://api.example.com/orders?page=1',
  now: NOW_S,
  access_token: BOUND_TOKEN,
}
export const HEADER = { alg: 'EdDSA', typ: 'dpop+jwt', jwk: DPOP_KEY.jwk }
export const CLAIMS = {
  jti: JTI,
  htm: 'GET',
  htu: 'https://api.example.com/orders',
  iat: NOW_S,
  ath: sha256Text(BOUND_TOKEN, 'base64url'),
}
export const INVALID = { refused: 'PROOF_INVALID' }

/** Returns what a verifier reads in an accepted proof. */
export function read({
  jkt = DPOP_KEY.jkt,
  jti = JTI,
  iat = NOW_S,
  nonce,
}: {
  readonly jkt?: string
  readonly jti?: string
  readonly iat?: number
  readonly nonce?: string
} = {}): object {
  const id = sha256Text(`${jkt}.${jti}`, 'base64url')
  return { jkt, id, expires_at: iat + WINDOW_S + 2 * SKEW_S, ...(nonce !== undefined && { nonce }) }
}

/** Makes a proof: the good one, with changes. */
export function proof({ key = DPOP_KEY, header = {}, claims = {} }: Changes = {}): Promise<string> {
  return compact({ ...HEADER, jwk: key.jwk, ...header }, { ...CLAIMS, ...claims }, signBy(key))
}

/** Returns the function that signs with a key. */
export const signBy =
  ({ pair }: ProofKey) =>
  (signingInput: Uint8Array) =>
    sign(pair.privateKey, signingInput)

/** Makes a case whose proof or request differs from the good one. */
export async function judged(
  name: string,
  expect: unknown,
  changes: Changes = {},
  request?: Partial<ProofRequest>,
): Promise<ProofCase> {
  const { header, claims } = changes
  const difference = {
    ...(header && { header: inShort(shown(header)) }),
    ...(claims && { claims: inShort(shown(claims)) }),
  }
  return {
    name,
    ...(Object.keys(difference).length > 0 && { changed: difference }),
    ...(request && { request }),
    ...pieces(await proof(changes)),
    expect,
  }
}

function pieces(text: string): { readonly proof: string } | { readonly proof_pieces: Pieces } {
  const made = inPieces(text)
  return 'token' in made ? { proof: made.token } : { proof_pieces: made.token_pieces }
}
