import { createHash } from 'node:crypto'
import { thumbprintUri } from '@auth4agent/core/delegation/check-derivation'
import { GRANT_TYPE, HOLDER_STATEMENT_TYPE, MAX_DEPTH } from '@auth4agent/core/delegation/grant-types'
import type { GrantKey, GrantKeys } from '@auth4agent/core/delegation/issuer-signature'
import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { fingerprint, formatDid } from '@auth4agent/core/identity/did'
import { importTokenVerifier } from '@auth4agent/core/token/token-verifier'
import { type EventKey, type IdentityKey, identityKey } from './key-events.ts'

/** The issuer of all chains here. */
export const CHAIN_ISSUER = 'https://auth.example.com'
/** When the root is issued; each further grant is issued a minute later and expires a minute earlier. */
export const ISSUED = 1_790_000_000
export const OPERATOR = '0190a1b2-c3d4-8e5f-8a6b-7c8d9e0f1a2b'
/** The issuer's key for grants. */
export const GRANT_KEY = identityKey('grants of the issuer')
export const PAY = 'https://pay.acme.test#pay'
export const READ = 'https://api.acme.test#orders:read'
/** What the root allows, and each grant below it, if a test changes nothing. */
export const TOOLS = { [READ]: {}, [PAY]: { amount: { constraint_type: 'range', max: 500 } } }

type Claims = Readonly<Record<string, unknown>>

/** How a test changes a grant. Members replace those of a right grant; undefined leaves one out. */
export interface GrantChange {
  readonly claims?: Claims
  readonly header?: Claims
  readonly signer?: Pick<EventKey, 'signNow'>
  /** Changes the JSON text of the claims. */
  readonly rewrite?: (json: string) => string
  /** Changes the holder statement, or replaces its text. */
  readonly statement?: Omit<GrantChange, 'statement'> | string
}

/** Returns the key of the holder of the grant with this depth. */
export function holderKey(depth: number): IdentityKey {
  return identityKey(`holder ${depth}`)
}

/** Returns the DID of a holder. */
export function holderDid(key: Pick<IdentityKey, 'publicKey'>, domain = 'acme.test'): string {
  return formatDid(domain, fingerprint(key.publicKey))
}

/** Returns `authorization_details` with these capabilities. */
export function details(tools: object): unknown {
  return [{ type: 'attenuating_agent_token', tools }]
}

/** Signs a root grant for the holder with depth 0. */
export function rootGrant({ claims, header, signer = GRANT_KEY, rewrite }: GrantChange = {}): string {
  const right = {
    iss: CHAIN_ISSUER,
    ...timesAndDepth(0),
    sub: holderDid(holderKey(0)),
    operator_id: OPERATOR,
    epoch: [3, 2],
    a4a_to: ['acme.test'],
    cnf: { jwk: holderKey(0).jwk },
    authorization_details: details(TOOLS),
  }
  return signed(signer, { typ: GRANT_TYPE, kid: GRANT_KEY.kid, ...header }, { ...right, ...claims }, rewrite)
}

/** Signs a grant of a depth under a parent. */
export function derivedGrant(parent: string, depth: number, change: GrantChange = {}): string {
  const { claims, header, signer = holderKey(depth - 1), rewrite, statement = {} } = change
  const right = {
    iss: thumbprintUri(holderKey(depth - 1).kid),
    ...timesAndDepth(depth),
    par_hash: idOf(parent),
    cnf: { jwk: holderKey(depth).jwk },
    a4a_holder: typeof statement === 'string' ? statement : holderStatement(holderKey(depth), statement),
    authorization_details: details(TOOLS),
  }
  return signed(signer, { typ: GRANT_TYPE, ...header }, { ...right, ...claims }, rewrite)
}

/** Signs a statement about the holder of a key. */
export function holderStatement(key: IdentityKey, change: Omit<GrantChange, 'statement'> = {}): string {
  const { claims, header, signer = GRANT_KEY, rewrite } = change
  const right = {
    iss: CHAIN_ISSUER,
    sub: holderDid(key),
    operator_id: OPERATOR,
    epoch: [5, 2],
    cnf: { jkt: key.kid },
    iat: ISSUED,
    exp: ISSUED + 3600,
  }
  const rightHeader = { typ: HOLDER_STATEMENT_TYPE, kid: GRANT_KEY.kid }
  return signed(signer, { ...rightHeader, ...header }, { ...right, ...claims }, rewrite)
}

/** Signs the grants of a chain whose last grant has this depth. `changes` names the depths of changed grants. */
export function grantsOf(depth: number, changes: Readonly<Record<number, GrantChange>> = {}): readonly string[] {
  const grants = [rootGrant(changes[0])]
  for (let at = 1; at <= depth; at += 1) grants.push(derivedGrant(grants.at(-1) ?? '', at, changes[at]))
  return grants
}

/** Returns the text of a chain whose last grant has this depth. */
export function chainOf(depth: number, changes: Readonly<Record<number, GrantChange>> = {}): string {
  return grantsOf(depth, changes).join('~')
}

/** Returns the largest depth of changed grants. */
export function lastOf(changes: Readonly<Record<number, GrantChange>>): number {
  return Math.max(...Object.keys(changes).map(Number))
}

/** Returns the id of a grant: SHA-256 of its signing input. */
export function idOf(grant: string): string {
  return createHash('sha256')
    .update(grant.slice(0, grant.lastIndexOf('.')))
    .digest('base64url')
}

/** The issuer's keys, which count signature checks. `become` changes or removes a key. */
export interface CountingKeys extends GrantKeys {
  readonly checks: number
  become(change: Partial<GrantKey> | undefined, kid?: string): void
}

/** Finds these keys of the issuer, which are active. */
export function countingKeys(known: readonly EventKey[] = [GRANT_KEY]): CountingKeys {
  let checks = 0
  const keys = new Map<string, GrantKey>()
  for (const { kid, jwk } of known) {
    const verifier = importTokenVerifier('Ed25519', jwk)
    if (verifier === undefined) throw new RangeError('A grant key must be an Ed25519 key')
    const verify: GrantKey['verify'] = (signingInput, signature) => {
      checks += 1
      return verifier.verify(signingInput, signature)
    }
    keys.set(kid, { kid, alg: 'Ed25519', state: 'active', verify })
  }
  const find = async (kid: string) => keys.get(kid)
  return {
    find,
    findNow: find,
    become(change, kid = GRANT_KEY.kid) {
      const key = keys.get(kid)
      if (change === undefined || key === undefined) keys.delete(kid)
      else keys.set(kid, { ...key, ...change })
    },
    get checks() {
      return checks
    },
  }
}

function timesAndDepth(depth: number) {
  const [iat, exp] = [ISSUED + 60 * depth, ISSUED + 3600 - 60 * depth]
  return { jti: `grant-${depth}`, iat, exp, del_depth: depth, del_max_depth: MAX_DEPTH }
}

function signed(
  key: Pick<EventKey, 'signNow'>,
  header: object,
  claims: object,
  rewrite: (json: string) => string = (json) => json,
): string {
  const texts = [JSON.stringify({ alg: 'Ed25519', ...header }), rewrite(JSON.stringify(claims))]
  const signingInput = texts.map((text) => encodeBase64url(Buffer.from(text))).join('.')
  return `${signingInput}.${encodeBase64url(key.signNow(Buffer.from(signingInput)))}`
}

/** Returns a text in which a part is replaced, for `rewrite`. Throws if the text does not have the part. */
export function replacing(from: string, to: string): (text: string) => string {
  return (text) => {
    if (!text.includes(from)) throw new RangeError(`The text must contain ${from}`)
    return text.replace(from, to)
  }
}
