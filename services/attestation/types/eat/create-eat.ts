import type { JsonObject } from '@auth4agent/core/encoding/strict-json'
import { checkTimes, readAudiences } from '../../../platform/jwt/claims.ts'
import { findKey, openJwt, readAscii, verifyJwt } from '../../../platform/jwt/jwt.ts'
import {
  type Appraisal,
  type AppraisalContext,
  type AttestorType,
  type Binding,
  RefusedEvidence,
} from '../attestor-type.ts'
import { decodeCbor } from './cbor.ts'
import { type EatClaims, nameCwtClaims, readClaim } from './claims.ts'
import { type EatConfig, parseEatConfig } from './config.ts'
import { verifySign1 } from './cose-sign1.ts'

const MAX_BYTES = 16_384
/** The first byte of a CBOR tag. A JWT has only ASCII. */
const FIRST_NOT_ASCII = 0x80
/** RFC 9782 section 3; many attesters write no type, or that of every JWT. */
const TYPS = ['eat+jwt', 'JWT', '']

/**
 * Creates the type `eat`: Entity Attestation Tokens (RFC 9711) as JWT or CWT, signed by pinned keys. A token must
 * contain the nonce, which the server has made for the agent's key, so it is bound to that key and used once.
 */
export function createEat(): AttestorType<EatConfig> {
  return {
    parseConfig: parseEatConfig,
    appraise: (config, evidence, context) => Promise.try(() => appraiseEat(config, evidence, context)),
  }
}

function appraiseEat(config: EatConfig, evidence: Uint8Array, context: AppraisalContext): Appraisal {
  if (evidence.length > MAX_BYTES) throw refusal(`must have at most ${MAX_BYTES} bytes`)
  const token = verifyToken(config, evidence)
  checkNonce(token, context.binding)
  checkProfile(token, config)
  checkParties(token.values, config, context)
  const { expiresAt } = checkTimes(token.values, { name: 'token', needs: [], maxAgeMs: config.maxAgeMs }, context)
  // The claims of a submodule are not those of the device, so a rule could miss that its debugging is enabled.
  if (Object.hasOwn(token.values, 'submods')) throw refusal('must not have submods')
  const claims = config.claims.flatMap((name) => {
    const claim = readClaim(token, name)
    return claim === undefined ? [] : [[name, claim] as const]
  })
  // The nonce is used once, and the token counts only with this nonce, so it needs no id.
  return { claims: Object.fromEntries(claims), level: 'bound', expiresAt, uses: [] }
}

function verifyToken({ keys, algorithms, formats }: EatConfig, evidence: Uint8Array): EatClaims {
  const format = (evidence[0] ?? 0) >= FIRST_NOT_ASCII ? 'cwt' : 'jwt'
  if (!formats.includes(format)) throw refusal(`must be a ${formats.join(' or a ').toUpperCase()}`)
  if (format === 'cwt')
    return nameCwtClaims(decodeCbor(verifySign1(evidence, keys, algorithms), 'payload of the token'))
  const jwt = openJwt(readAscii(evidence, 'token'), { name: 'token', maxBytes: MAX_BYTES, algorithms, typs: TYPS })
  return { format, values: verifyJwt(jwt, findKey(jwt, keys)) }
}

/** A token with further nonces could be bound to the keys of several agents. */
function checkNonce({ format, values }: EatClaims, { nonce }: Pick<Binding, 'nonce'>): void {
  if (nonce === undefined) throw refusal('needs a nonce in the request')
  const claim = values['eat_nonce']
  const [only, ...others]: readonly unknown[] = Array.isArray(claim) ? claim : [claim]
  const isOurs = format === 'cwt' ? isSame(only, nonce.bytes) : only === nonce.text
  if (!isOurs || others.length > 0) throw refusal('must have the nonce of the request as its only eat_nonce')
}

function checkProfile({ format, values }: EatClaims, { profile }: EatConfig): void {
  if (profile === undefined) return
  const claim = values['eat_profile']
  const isRight = format === 'cwt' && profile.oid !== undefined ? isSame(claim, profile.oid) : claim === profile.text
  if (!isRight) throw refusal(`must have the eat_profile ${profile.text}`)
}

/** A token for another audience is not evidence for this server (RFC 7519 section 4.1.3). */
function checkParties(values: JsonObject, { issuer }: EatConfig, context: AppraisalContext): void {
  if (issuer !== undefined && values['iss'] !== issuer) throw refusal(`must have the iss ${issuer}`)
  if (!Object.hasOwn(values, 'aud')) return
  const accepted = [context.issuer, context.binding.audience]
  if (!readAudiences(values, 'token').some((audience) => accepted.includes(audience))) {
    throw refusal(`must have the aud ${accepted.join(' or ')}, or none`)
  }
}

function isSame(value: unknown, expected: Uint8Array): boolean {
  return value instanceof Uint8Array && Buffer.compare(value, expected) === 0
}

function refusal(demand: string): RefusedEvidence {
  return new RefusedEvidence(`The token ${demand}`)
}
