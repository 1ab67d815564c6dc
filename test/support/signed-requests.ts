import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { jwkThumbprint, readPublicJwk } from '@auth4agent/core/jose/public-jwk'
import type { OperatorKey } from '../../services/calls/operator-keys.ts'
import { requestBody } from '../../services/calls/request-body.ts'
import { findSignature } from '../../services/calls/request-signature/find-signature.ts'
import type { SignableRequest } from '../../services/calls/request-signature/signable-request.ts'
import { verifyRequest } from '../../services/calls/request-signature/verify-signature.ts'
import { toApiError } from '../../services/platform/errors/api-error.ts'
import { NOW_S } from './assertions.ts'
import { type SignatureEdits, signRequest } from './request-signatures.ts'

/** The URL and the body of the requests of `signed`. */
export const URL_SIGNED = 'https://auth.example/v1/operators/o/agents?x=1'
export const BODY = '{"a": 1}'

/** Keys that sign requests. */
export const ed25519: KeyObject = generateKeyPairSync('ed25519').privateKey
export const p256: KeyObject = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey

/** Returns the key of an operator as the server finds it. */
export function keyOf(privateKey: KeyObject): OperatorKey {
  const { d, ...jwk } = privateKey.export({ format: 'jwk' })
  const publicJwk = readPublicJwk(jwk)
  if (publicJwk === undefined || publicJwk.kty === 'RSA') throw new Error(`The key ${String(d?.length)} is not usable`)
  const kid = jwkThumbprint(publicJwk)
  return { kid, label: 'laptop', isRoot: true, jwk: publicJwk, roles: [], nbf: 0, exp: Number.POSITIVE_INFINITY }
}

/** Signs a request by hand. Returns what the server gets. */
export function signed(
  edits: SignatureEdits = {},
  privateKey = ed25519,
  headers: Readonly<Record<string, string>> = {},
) {
  const { kid: keyid } = keyOf(privateKey)
  const good = { created: NOW_S, ...edits.parameters }
  const toSign = { method: 'PATCH', url: URL_SIGNED, body: BODY, headers }
  const made = signRequest({ privateKey, keyid }, toSign, { ...edits, parameters: good })
  const fields = Object.entries({ ...headers, ...made }).map(([name, value]) => ({ name, value }))
  return { method: 'PATCH', url: URL_SIGNED, fields }
}

/** Verifies a request as the server does, at NOW_S. */
export async function verified(request: SignableRequest, body: string | undefined = BODY, privateKey = ed25519) {
  const key = keyOf(privateKey)
  const found = findSignature(request)
  if (found === undefined) throw new Error('The request has no signature for this server')
  const sent = requestBody(() => Buffer.from(body))
  return verifyRequest(request, found, { nowS: NOW_S, skewS: 10, body: sent, findKey: async () => key })
}

/** Returns the sentence with which the server refuses a request, or `accepted`. */
export const messageOf = (request: SignableRequest, body = BODY, key = ed25519) =>
  verified(request, body, key).then(
    () => 'accepted',
    (error: unknown) => toApiError(error).message,
  )

/** Returns the value of a header. */
export function fieldOf({ fields }: SignableRequest, wanted: string): string {
  return fields.find(({ name }) => name === wanted)?.value ?? ''
}

/** Replaces the value of a header. */
export function edit(request: SignableRequest, wanted: string, value: string): SignableRequest {
  return {
    ...request,
    fields: request.fields.map((field) => (field.name === wanted ? { name: wanted, value } : field)),
  }
}

/** Adds the signature of another request. */
export function add(request: SignableRequest, { fields }: SignableRequest): SignableRequest {
  return { ...request, fields: [...request.fields, ...fields.filter(({ name }) => name.startsWith('signature'))] }
}
