import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { checkChainTimes } from '@auth4agent/core/delegation/chain-times'
import { checkUses } from '@auth4agent/core/delegation/use-chain'
import { decodeBase64url, encodeBase64url } from '@auth4agent/core/encoding/base64'
import type { JsonObject } from '@auth4agent/core/encoding/strict-json'
import { importTokenVerifier } from '@auth4agent/core/token/token-verifier'
import { verifyGrantChain } from '../../../services/revocation/verify-grant-chain.ts'
import { countingKeys, holderDid, holderStatement, idOf, OPERATOR } from '../../support/grant-chains.ts'
import { type IdentityKey, identityKeyOf } from '../../support/key-events.ts'

/** A chain with one call, and the verdict of the draft: PERMIT, or DENY with the step that refuses it. */
export interface AatVector {
  readonly id: string
  readonly now: number
  readonly tool: string
  readonly args: JsonObject
  readonly chain_compact: readonly string[]
  readonly expected: { readonly verdict: 'PERMIT' | 'DENY'; readonly step: string | null }
}

/** The file of the draft's vectors. The keys are seeds, so chains can be signed again. */
export interface AatVectors {
  readonly keys: Readonly<Record<string, { readonly seed_hex: string }>>
  readonly trust_anchors: readonly [{ readonly iss: string; readonly jwk: { readonly x: string } }]
  readonly vectors: readonly AatVector[]
}

/** The draft names tools; a capability here is an audience and a scope. */
const AUDIENCE = 'https://tools.example.com'
const SKEW_S = 10

/**
 * Reads `aat/aat-jws-vectors.json` in the folder of AUTH4AGENT_VECTORS_DIR. Undefined if it is not there. It is
 * `tests/vectors/aat-jws-vectors.json` of github.com/tenuo-ai/tenuo.
 */
export async function readAatVectors(): Promise<AatVectors | undefined> {
  const folder = process.env['AUTH4AGENT_VECTORS_DIR']
  if (folder === undefined) return undefined
  const text = await readFile(join(folder, 'aat/aat-jws-vectors.json'), 'utf8').catch(() => undefined)
  return text === undefined ? undefined : JSON.parse(text)
}

/** Judges the vectors of a file. */
export function createAatJudge({ keys: written, trust_anchors: [anchor] }: AatVectors) {
  const keys = Object.values(written).map(({ seed_hex }) => identityKeyOf(Buffer.from(seed_hex, 'hex')))
  const keyWith = (x: unknown) => keys.find(({ jwk }) => jwk.x === x)
  const issuer = keyWith(anchor.jwk.x)
  if (issuer === undefined) throw new RangeError('The file must have the key of its issuer')
  const judge = { keys, issuer, iss: anchor.iss, keyWith }
  return {
    /** Tells whether core verifies each token as it is written, and knows each parent by its hash. */
    isLinked: ({ chain_compact: chain }: AatVector) =>
      chain.every((token, at) => isLinked(judge, token, chain[at - 1])),
    /** Returns why core refuses the completed chain, or the call; `PERMIT` if it does not. */
    async judge(vector: AatVector): Promise<string> {
      const rules = { issuer: anchor.iss, keys: countingKeys([issuer]) }
      const verified = await verifyGrantChain(completed(judge, vector), rules)
      if (!verified.ok) return verified.reason
      const uses = { audience: [AUDIENCE], scope: [vector.tool] }
      const { chain } = verified
      const refusal = checkChainTimes(chain, vector.now, SKEW_S) ?? checkUses(chain, uses, vector.args)
      return refusal?.reason ?? 'PERMIT'
    },
  }
}

interface Judge {
  readonly keys: readonly IdentityKey[]
  readonly issuer: IdentityKey
  readonly iss: string
  readonly keyWith: (x: unknown) => IdentityKey | undefined
}

function isLinked({ issuer }: Judge, token: string, parent: string | undefined): boolean {
  const signer = parent === undefined ? issuer.jwk : readToken(parent).claims.cnf.jwk
  return isSignedBy(token, signer) && (parent === undefined || readToken(token).claims.par_hash === idOf(parent))
}

function isSignedBy(token: string, jwk: IdentityKey['jwk']): boolean {
  const [signingInput, signature] = [token.slice(0, token.lastIndexOf('.')), token.split('.')[2] ?? '']
  const bytes = decodeBase64url(signature)
  return bytes !== undefined && importTokenVerifier('Ed25519', jwk)?.verify(Buffer.from(signingInput), bytes) === true
}

function readToken(token: string) {
  const [header, claims] = token.split('.').map((part) => Buffer.from(part, 'base64url').toString('latin1'))
  return { header: JSON.parse(header ?? ''), claims: JSON.parse(claims ?? '') }
}

/**
 * Returns the chain of a vector as text, with the claims that only this project demands, signed again by the same
 * keys. What is wrong in the vector stays wrong.
 */
function completed(judge: Judge, { chain_compact: chain }: AatVector): string {
  const grants: string[] = []
  for (const [at, token] of chain.entries()) {
    const parent = chain[at - 1]
    const { header, claims } = readToken(token)
    const own = parent === undefined ? rootClaims(judge, claims) : derivedClaims(judge, claims, parent, grants[at - 1])
    const kid = parent === undefined ? { kid: judge.issuer.kid } : {}
    const details = claims.authorization_details.map(withAudience)
    grants.push(signLike(token, judge, { ...header, ...kid }, { ...claims, ...own, authorization_details: details }))
  }
  return grants.join('~')
}

function rootClaims(judge: Judge, { cnf }: { cnf: { jwk: { x: string } } }) {
  const holder = judge.keyWith(cnf.jwk.x) ?? judge.issuer
  return { sub: holderDid(holder), operator_id: OPERATOR, epoch: [1, 1], a4a_to: ['acme.test'] }
}

function derivedClaims(
  { issuer, iss, keyWith }: Judge,
  { cnf, par_hash, exp }: { cnf: { jwk: { x: string } }; par_hash: string; exp: number },
  parent: string,
  rebuilt = '',
) {
  const holder = keyWith(cnf.jwk.x) ?? issuer
  const claims = { iss, iat: exp - 3600, exp }
  const statement = holderStatement(holder, { signer: issuer, header: { kid: issuer.kid }, claims })
  return { a4a_holder: statement, par_hash: par_hash === idOf(parent) ? idOf(rebuilt) : par_hash }
}

function withAudience(entry: JsonObject): JsonObject {
  const { tools } = entry
  if (typeof tools !== 'object' || tools === null) return entry
  const named = Object.entries(tools).map(([tool, map]) => [`${AUDIENCE}#${tool}`, map])
  return { ...entry, tools: Object.fromEntries(named) }
}

/** Signs with the key that signed the token; if none did, with a damaged signature. */
function signLike(token: string, { keys, issuer }: Judge, header: object, claims: object): string {
  const signer = keys.find(({ jwk }) => isSignedBy(token, jwk))
  const signed = signToken(signer ?? issuer, header, claims)
  return signer === undefined ? signed.replace(/.{20}$/, 'A'.repeat(20)) : signed
}

/** Signs a token of a vector. */
export function signToken(key: IdentityKey, header: object, claims: object): string {
  const parts = [header, claims].map((part) => encodeBase64url(Buffer.from(JSON.stringify(part))))
  return [...parts, encodeBase64url(key.signNow(Buffer.from(parts.join('.'))))].join('.')
}
