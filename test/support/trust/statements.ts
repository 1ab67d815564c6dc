import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { operatorId } from '@auth4agent/core/identity/operator-id'
import { signJwt } from '@auth4agent/core/identity/sign-jwt'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import { draftClaims } from '@auth4agent/core/trust/read-draft'
import { type EdgeKind, TRUST_STATEMENT_TYPE, type TrustDraft } from '@auth4agent/core/trust/statement'

const ALPHA = 'https://auth.alpha.test'
export const BETA = 'https://beta.test/auth'
export const GAMMA = 'https://id.gamma.test'

/** The time at which the statements of tests are signed, in Unix seconds: 2027-01-15T08:00:00Z. */
export const NOW_S = 1_800_000_000

/** A root key that signs statements. */
export function newRoot() {
  const { publicKey, privateKey } = generateKeyPair()
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(publicKey) } as const
  return { publicKey, jwk, kid: thumbprint(publicKey), sign: async (message: Uint8Array) => privateKey.sign(message) }
}

export type Root = ReturnType<typeof newRoot>

const idOf = (issuer: string, domain: string) => operatorId({ issuer, domain, thumbprint: 'any' })

const CARGO = { iss: idOf(BETA, 'cargo.test'), home: BETA, domain: 'cargo.test' }
const GUILD = { iss: idOf(GAMMA, 'guild.test'), home: GAMMA, domain: 'guild.test' }
const ACME = { iss: idOf(ALPHA, 'acme.test'), home: ALPHA, domain: 'acme.test' }

const subject = ({ iss, home, domain }: typeof CARGO) => ({ sub: iss, subHome: home, subDomain: domain })
const GRANT = { audience: 'https://api.cargo.test/v1', scopes: { 'orders:read': ['read'] } }
const common = { aud: [BETA], visibility: 'parties', grants: [] } as const

/** A good draft of each kind. */
export const DRAFTS: Readonly<Record<EdgeKind, TrustDraft>> = {
  'lets-call': { ...common, ...CARGO, ...subject(ACME), kind: 'lets-call', grants: [GRANT] },
  'accepts-members-of': {
    ...common,
    ...CARGO,
    ...subject(GUILD),
    kind: 'accepts-members-of',
    depth: 1,
    grants: [GRANT],
  },
  member: { ...common, ...GUILD, ...subject(ACME), aud: [GAMMA, BETA], kind: 'member', visibility: 'public' },
  blocks: { ...common, ...CARGO, ...subject(ACME), kind: 'blocks' },
  'chains-to': {
    ...common,
    ...ACME,
    sub: '',
    subHome: BETA,
    subDomain: '',
    aud: [ALPHA],
    kind: 'chains-to',
    grants: [{ audience: '', scopes: { 'orders:read': ['orders:read'] } }],
  },
}

/** Claims as plain JSON, which a test may change. */
export type Claims = Record<string, unknown>

/** The claims of a good statement. */
export function goodClaims(kind: EdgeKind = 'lets-call'): Claims {
  const times = { iat: NOW_S, nbf: NOW_S, exp: NOW_S + 86_400 }
  const claims = { ...draftClaims(DRAFTS[kind]), jti: '0190aaaa-0000-7000-8000-000000000001', version: 1, ...times }
  return structuredClone(claims)
}

/** Signs any claims under the header of a statement, in which `header` replaces members. */
export function signClaims(root: Root, claims: object, header: object = {}): Promise<string> {
  return signJwt(root, { typ: TRUST_STATEMENT_TYPE, kid: root.kid, jwk: root.jwk, ...header }, claims)
}
