import { parseAudience } from '@auth4agent/core/token/audience'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import { IDENTITY_KEY } from '../../../../services/authn/domain/agent-proof.ts'
import { buildClaims } from '../../../../services/authn/domain/build-claims.ts'
import { UNATTESTED } from '../../../../services/authn/domain/check-attestation.ts'
import { compact, type Edits, type Part, shown } from './jws.ts'
import { AUDIENCE, DID, ISSUER, NOW_S, OPERATOR_ID, SIGNING_KEYS, type VectorSigningKey } from './parties.ts'
import { inPieces, inShort, type Pieces } from './repeats.ts'

/** The inputs of a verifier, without the token. */
interface Verifier {
  readonly now?: number
  readonly audience?: readonly string[]
  readonly operators?: readonly string[] | 'any'
  readonly scope?: string
  /** The demanded result of attestation, as POST /v1/verify has it; null for none. */
  readonly attestation?: object | null
  readonly revocations?: readonly Revocation[]
}

export interface Revocation {
  readonly kind: string
  readonly operator_id: string
  readonly subject: string
  readonly minimum_epoch: number
}

export interface TokenCase {
  readonly name: string
  /** Left out if the case has the token of the first case. */
  readonly token?: string
  /** The token in pieces. It replaces `token` if the token is long. */
  readonly token_pieces?: Pieces
  readonly verifier?: Verifier
  readonly changed?: object
  readonly text?: object
  readonly expect: string
}

const { EdDSA } = SIGNING_KEYS

export const JTI = 'token-1'
export const CLAIMS: AccessTokenClaims = buildClaims(
  ISSUER,
  // A token contains only these members of agent and operator.
  { agent: { did: DID }, operator: { id: OPERATOR_ID } } as Parameters<typeof buildClaims>[1],
  { scope: ['read', 'write'], audience: [parseAudience(AUDIENCE) ?? { text: '', host: '' }], ttl: 900 },
  { jti: JTI, nowS: NOW_S, epoch: [3, 2], key: IDENTITY_KEY, edges: [], attested: UNATTESTED },
)
export const SKEW_S = 10
export const PAYLOAD = JSON.stringify(CLAIMS)

/** Changes of a case to the header and the claims of the good token. */
export interface Changes {
  readonly key?: VectorSigningKey
  readonly header?: Edits
  readonly claims?: Edits
}

/** Returns the header of a good token of a key. */
export function headerOf({ alg, kid }: VectorSigningKey): Edits {
  return { alg, typ: 'at+jwt', kid }
}

/** Returns the function that signs with a key. */
export const signBy =
  ({ key }: VectorSigningKey) =>
  (signingInput: Uint8Array) =>
    key.sign(signingInput)

/** Makes a token: the good one, with changes. */
export function token({ key = EdDSA, header = {}, claims = {} }: Changes = {}): Promise<string> {
  return compact({ ...headerOf(key), ...header }, { ...CLAIMS, ...claims }, signBy(key))
}

/** Makes a case of the first case's token and a verifier whose inputs differ. */
export function judgedBy(name: string, expect: string, verifier: Verifier): TokenCase {
  return { name, verifier, expect }
}

/** Makes a case whose token differs from the good one. */
export async function changed(name: string, expect: string, changes: Changes, verifier?: Verifier): Promise<TokenCase> {
  const { header, claims } = changes
  const difference = {
    ...(header && { header: inShort(shown(header)) }),
    ...(claims && { claims: inShort(shown(claims)) }),
  }
  return {
    name,
    ...(Object.keys(difference).length > 0 && { changed: difference }),
    ...(verifier && { verifier }),
    ...inPieces(await token(changes)),
    expect,
  }
}

/** Returns a text, or its beginning and its end. */
function visible(part: Part | undefined): string | undefined {
  if (typeof part !== 'string') return undefined
  return part.length > 160 ? `${part.slice(0, 80)}…${part.slice(-80)}` : part
}

/** Makes a case whose parts are texts that JSON.stringify would not write. */
export async function ofTexts(name: string, expect: string, { header, payload }: { header?: Part; payload?: Part }) {
  const [headerText, payloadText] = [visible(header), visible(payload)]
  return {
    name,
    ...((headerText ?? payloadText) !== undefined && {
      text: { ...(headerText && { header: headerText }), ...(payloadText && { payload: payloadText }) },
    }),
    token: await compact(header ?? headerOf(EdDSA), payload ?? PAYLOAD, signBy(EdDSA)),
    expect,
  }
}
