import { createPublicKey, verify } from 'node:crypto'
import type { TrustAnchor } from '../../../services/federation/domain/verify-chain.ts'
import { demand, Invalid, type NaivePolicy, naiveApply, naiveMerge } from './naive-policy.ts'

type Json = Record<string, unknown>

/** A statement as it is decoded, without any check. */
interface Decoded {
  readonly header: Json
  readonly claims: Json
  readonly input: string
  readonly signature: Buffer
}

/** What a chain that holds says. */
export interface Judgement {
  readonly path: readonly string[]
  readonly metadata: Readonly<Record<string, unknown>>
  readonly exp: number
}

const AS = 'oauth_authorization_server'

/**
 * Judges a chain as sections 3.2, 4, 6 and 10.2 of OpenID Federation 1.0 say, one rule after the other. It is a second
 * opinion about random chains, so it reads only what those have: keys of P-256, and JSON that is in order.
 *
 * @returns undefined if the chain does not hold.
 */
export function judge(texts: readonly string[], anchor: TrustAnchor, nowS: number): Judgement | undefined {
  try {
    const chain = texts.map(decode)
    demand(chain.length >= 3 && chain.length - 3 <= 5, 'length')
    for (const statement of chain) checkForm(statement, nowS)
    checkOrder(chain, anchor.entityId)
    checkKeys(chain, pinsOf(anchor))
    checkLimits(chain)
    return {
      path: pathOf(chain),
      metadata: metadataOf(chain),
      exp: Math.min(...chain.map((s) => Number(s.claims['exp']))),
    }
  } catch (error) {
    if (error instanceof Invalid) return undefined
    throw error
  }
}

function decode(text: string): Decoded {
  const [header = '', claims = '', signature = ''] = text.split('.')
  return {
    header: readPart(header),
    claims: readPart(claims),
    input: `${header}.${claims}`,
    signature: Buffer.from(signature, 'base64url'),
  }
}

function readPart(part: string): Json {
  return JSON.parse(Buffer.from(part, 'base64url').toString())
}

function pinsOf({ keys }: TrustAnchor): readonly Json[] {
  return [...keys.values()].map(({ kid, jwk }) => Object.assign({ kid }, jwk))
}

function isOwn({ claims }: Decoded): boolean {
  return claims['iss'] === claims['sub']
}

function checkForm(statement: Decoded, nowS: number): void {
  const { header, claims } = statement
  demand(header['typ'] === 'entity-statement+jwt', 'typ')
  demand(header['alg'] === 'ES256', 'alg')
  demand(claims['crit'] === undefined, 'crit')
  const { iat, exp, jwks } = claims
  demand(typeof iat === 'number' && typeof exp === 'number' && iat < exp, 'times')
  demand(Number(iat) <= nowS + 10 && Number(exp) > nowS, 'time')
  demand(typeof jwks === 'object', 'jwks')
  const wrong = isOwn(statement) ? ['metadata_policy', 'metadata_policy_crit', 'constraints'] : ['authority_hints']
  demand(!wrong.some((name) => claims[name] !== undefined), 'claims of the other kind')
  demand(claims['metadata_policy_crit'] === undefined, 'metadata_policy_crit')
}

function pathOf(chain: readonly Decoded[]): string[] {
  return chain.slice(0, -1).map(({ claims }, at) => String(at === 0 ? claims['sub'] : claims['iss']))
}

function checkOrder(chain: readonly Decoded[], anchorId: string): void {
  for (const [at, statement] of chain.entries()) {
    demand(isOwn(statement) === (at === 0 || at === chain.length - 1), 'kind')
    const next = chain[at + 1]
    if (next !== undefined) demand(statement.claims['iss'] === next.claims['sub'], 'link')
  }
  demand(chain.at(-1)?.claims['sub'] === anchorId, 'anchor')
  const path = pathOf(chain)
  demand(new Set(path).size === path.length, 'an entity twice')
  const hints: unknown = chain[0]?.claims['authority_hints']
  demand(Array.isArray(hints) && hints.includes(chain[1]?.claims['iss']), 'hints')
}

function keysOf({ claims }: Decoded): readonly Json[] {
  const jwks: { keys: Json[] } = JSON.parse(JSON.stringify(claims['jwks']))
  return jwks.keys
}

function checkKeys(chain: readonly Decoded[], pinned: readonly Json[]): void {
  for (const [at, statement] of chain.entries()) {
    const sets = [keysOf(chain[at + 1] ?? statement)]
    if (isOwn(statement)) sets.push(keysOf(statement))
    if (at >= chain.length - 2) sets.push(pinned)
    const { kid } = statement.header
    const found = sets.map((keys) => keys.find((key) => key['kid'] === kid))
    // One and the same key in every set.
    demand(
      found.every((key) => key !== undefined && key['x'] === found[0]?.['x']),
      'key',
    )
    const [x, y] = [String(found[0]?.['x']), String(found[0]?.['y'])]
    const key = createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' })
    const bytes = Buffer.from(statement.input)
    demand(verify('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }, statement.signature), 'signature')
  }
}

interface NaiveConstraints {
  readonly max_path_length?: number
  readonly naming_constraints?: { readonly permitted?: string[]; readonly excluded?: string[] }
  readonly allowed_entity_types?: string[]
}

function constraintsOf({ claims }: Decoded): NaiveConstraints {
  return JSON.parse(JSON.stringify(claims['constraints'] ?? {}))
}

function checkLimits(chain: readonly Decoded[]): void {
  const path = pathOf(chain)
  for (const [at, statement] of chain.entries()) {
    const { max_path_length: most, naming_constraints: naming } = constraintsOf(statement)
    demand(most === undefined || at - 1 <= most, 'max_path_length')
    for (const id of path.slice(0, at)) {
      const host = id.replace('https://', '')
      const isAt = (name: string) => (name.startsWith('.') ? host.endsWith(name) : host === name)
      demand(!naming?.excluded?.some(isAt), 'excluded')
      demand(naming?.permitted === undefined || naming.permitted.some(isAt), 'permitted')
    }
  }
}

function metadataOf(chain: readonly Decoded[]): Readonly<Record<string, unknown>> {
  const policies: NaivePolicy[] = chain
    .map(({ claims }) => JSON.parse(JSON.stringify(claims['metadata_policy'] ?? {})))
    .toReversed()
  const merged = naiveMerge(policies)
  const typesOf = (at: number): Record<string, Json> => JSON.parse(JSON.stringify(chain[at]?.claims['metadata'] ?? {}))
  const [own, above] = [typesOf(0), typesOf(1)]
  const resolved: Record<string, Json> = {}
  for (const [type, parameters] of Object.entries(own)) {
    const isAllowed = chain.every((statement) => {
      const allowed = constraintsOf(statement).allowed_entity_types
      return type === 'federation_entity' || allowed === undefined || allowed.includes(type)
    })
    if (isAllowed) resolved[type] = { ...naiveApply(merged[type] ?? {}, { ...parameters, ...above[type] }) }
  }
  demand(resolved[AS]?.['issuer'] === chain[0]?.claims['sub'], 'issuer')
  // Random metadata has no other place of keys.
  demand(JSON.stringify(resolved[AS]?.['jwks']) === JSON.stringify(own[AS]?.['jwks']), 'keys')
  return resolved
}
