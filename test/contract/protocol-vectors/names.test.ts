import { createHash, createPrivateKey, createPublicKey } from 'node:crypto'
import { decodeBase64 } from '@auth4agent/core/encoding/base64'
import { decodePublicKeyMultibase } from '@auth4agent/core/encoding/multibase'
import { parseDid } from '@auth4agent/core/identity/did'
import { buildDidDocument } from '@auth4agent/core/identity/did-document'
import { readRecord } from '@auth4agent/core/identity/proof-record'
import type { TxtAnswer } from '@auth4agent/core/identity/resolve-txt'
import { type PublishedJwk, readJwkSet } from '@auth4agent/core/jose/jwk-set'
import { importKeySet } from '@auth4agent/core/jose/key-set'
import { admitPublicKey } from '@auth4agent/core/keys/ed25519'
import type { VerificationKey } from '@auth4agent/core/token/access-token'
import type { JsonObject } from '@bufbuild/protobuf'
import { create } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { importPublished } from '../../../clients/sdk/src/published-key.ts'
import { GetAgentResponseSchema, IdentityService } from '../../../gen/proto/auth4agent/v1/identity_pb.ts'
import { methodName } from '../../../services/calls/method-name.ts'
import { didResolution } from '../../../services/identity/did-resolution.ts'
import { checkDidDocument } from '../../../services/identity/domain/check-did-document.ts'
import { checkRegistration } from '../../../services/identity/domain/check-registration.ts'
import { parseDomain } from '../../../services/operator-registry/domain/parse-domain.ts'
import { judgeProof } from '../../../services/platform/dns/judge-proof.ts'
import { ApiError } from '../../../services/platform/errors/api-error.ts'
import { isRefused, type Pieces, type Refused, readVectors, unfold, type Vector } from '../support/read-vectors.ts'

/** Returns the result of a function, or the reason of its error, in the form in which a vector expects it. */
function resultOf(work: () => unknown): unknown {
  try {
    return work()
  } catch (error) {
    if (error instanceof ApiError) return { refused: error.reason }
    throw error
  }
}

const sha256 = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest()
const fromBase64 = (text: string) => Uint8Array.from(Buffer.from(text, 'base64'))
const hexOf = (bytes: Uint8Array | undefined) =>
  bytes === undefined ? { refused: 'encoding' } : { public_key_hex: Buffer.from(bytes).toString('hex') }

/** A JWKS as a verifier receives it. */
const received = (jwks: { keys?: Pieces<object> } | null) =>
  Array.isArray(jwks?.keys) ? { ...jwks, keys: unfold(jwks.keys) } : jwks
const used = (keys: readonly (PublishedJwk | VerificationKey)[] | undefined) =>
  keys === undefined ? { refused: 'not a JWKS' } : { keys: keys.map(({ kid, alg }) => ({ kid, alg })) }

interface KeyNames {
  readonly public_key_hex: string
  readonly public_key: string
  readonly thumbprint_input: string
  readonly thumbprint: string
  readonly sha256_hex: string
  readonly fingerprint: string
  readonly multibase: string
}

describe('keys.json', () => {
  const file = readVectors('keys.json') as {
    keys: Vector<{ secret_seed_hex: string }, KeyNames>[]
    encodings: Vector<{ text: string }>[]
    multibase: Vector<{ text: string }>[]
    points: Vector<{ public_key_hex: string }, Refused | 'accepted'>[]
    jwks_documents: Vector<{ jwks: { keys?: Pieces<object> } | null }>[]
  }

  it.each(file.keys)('the texts and identifiers of a key: $name', ({ secret_seed_hex, expect: names }) => {
    const der = Buffer.from(`302e020100300506032b657004220420${secret_seed_hex}`, 'hex')
    const publicKey = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }))
    const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
    expect(names.public_key_hex).toBe(raw.toString('hex'))
    expect(names.public_key).toBe(raw.toString('base64'))
    expect(JSON.parse(names.thumbprint_input)).toEqual(publicKey.export({ format: 'jwk' }))
    expect(names.thumbprint).toBe(sha256(names.thumbprint_input).toString('base64url'))
    expect(names.sha256_hex).toBe(sha256(raw).toString('hex'))
    expect(names.fingerprint).toBe(names.sha256_hex.slice(0, 32))
    expect(decodePublicKeyMultibase(names.multibase)).toEqual(Uint8Array.from(raw))
  })

  it.each(file.encodings)('base64: $name', ({ text, expect: expected }) => {
    expect(hexOf(decodeBase64(text))).toEqual(expected)
  })

  it.each(file.multibase)('publicKeyMultibase: $name', ({ text, expect: expected }) => {
    expect(hexOf(decodePublicKeyMultibase(text))).toEqual(expected)
  })

  it.each(file.points)('point: $name', ({ public_key_hex, expect: expected }) => {
    const admission = admitPublicKey(Buffer.from(public_key_hex, 'hex'))
    expect(admission.ok ? 'accepted' : { refused: admission.why }).toEqual(expected)
  })

  it.each(file.jwks_documents)('the verifier reads the JWKS: $name', ({ jwks, expect: expected }) => {
    const keys = importKeySet(received(jwks))
    expect(used(keys && [...keys.values()])).toEqual(expected)
  })

  it.each(file.jwks_documents)('the SDK reads the JWKS: $name', async ({ jwks, expect: expected }) => {
    const published = readJwkSet(received(jwks))
    const keys = published && (await Promise.all(published.map(importPublished)))
    expect(used(keys?.filter((key) => key !== undefined))).toEqual(expected)
  })
})

describe('dids.json', () => {
  const file = readVectors('dids.json') as {
    derivations: Vector<{ domain: string; public_key: string }, { did: string; fingerprint: string }>[]
    dids: Vector<{ did: string }>[]
    registrations: Vector<{ domain: string; did: string; public_key: string }>[]
    domains: Vector<{ domain: string; test_domains: boolean }>[]
  }

  it.each(file.derivations)('derivation: $name', ({ domain, public_key, expect: { did, fingerprint } }) => {
    expect(fingerprint).toBe(sha256(fromBase64(public_key)).toString('hex').slice(0, 32))
    expect(did).toBe(`did:agent:${domain}:${fingerprint}`)
    expect(parseDid(did)).toEqual({ domain, fingerprint })
  })

  it.each(file.dids)('DID: $name', ({ did, expect: expected }) => {
    expect(parseDid(did) ?? { refused: 'INVALID_DID' }).toEqual(expected)
  })

  it.each(file.registrations)('registration: $name', ({ domain, did, public_key, expect: expected }) => {
    const request = { did, agentPublicKey: fromBase64(public_key), label: '' }
    expect(resultOf(() => ({ did: checkRegistration(request, domain).did }))).toEqual(expected)
  })

  it.each(file.domains)('domain: $name', ({ domain, test_domains: testDomains, expect: expected }) => {
    expect(resultOf(() => ({ domain: parseDomain(domain, { testDomains }) }))).toEqual(expected)
  })
})

interface OperatorName {
  readonly preimage: string
  readonly preimage_hex: string
  readonly sha256_hex: string
  readonly operator_id: string
}

describe('operators.json', () => {
  const file = readVectors('operators.json') as {
    operators: Vector<{ issuer: string; domain: string; thumbprint: string }, OperatorName>[]
  }

  it.each(file.operators)('$name', ({ issuer, domain, thumbprint, expect: expected }) => {
    expect(expected.preimage).toBe(`["${issuer}","${domain}","${thumbprint}"]`)
    expect(Buffer.from(expected.preimage_hex, 'hex').toString()).toBe(expected.preimage)
    const digest = sha256(expected.preimage)
    expect(digest.toString('hex')).toBe(expected.sha256_hex)
    digest.writeUInt8(0x80 | (digest.readUInt8(6) & 0x0f), 6)
    digest.writeUInt8(0x80 | (digest.readUInt8(8) & 0x3f), 8)
    const hex = digest.toString('hex', 0, 16)
    expect(expected.operator_id).toBe(hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'))
  })
})

type Resolver = { kind: 'records'; records: string[][] } | { kind: 'absent' } | { kind: 'failed' }

describe('txt-records.json', () => {
  const file = readVectors('txt-records.json') as {
    issuer: string
    operator_id: string
    thumbprint: string
    records: Vector<{ strings: string[] }>[]
    answers: Vector<{ resolvers: Resolver[]; incumbent_id?: string }>[]
  }

  it.each(file.records)('record: $name', ({ strings, expect: expected }) => {
    const record = readRecord(strings.join(''), file.issuer)
    expect(record ? { operator_id: record.operatorId, thumbprint: record.thumbprint } : 'ignored').toEqual(expected)
  })

  it.each(file.answers)('answers: $name', ({ resolvers, incumbent_id: incumbentId, expect: expected }) => {
    const answers = resolvers.map((resolver): TxtAnswer => {
      if (resolver.kind === 'failed') return { kind: 'failed', why: 'ETIMEOUT' }
      if (resolver.kind === 'absent') return resolver
      return { kind: 'records', records: resolver.records.map((strings) => strings.join('')) }
    })
    const wanted = { issuer: file.issuer, operatorId: file.operator_id, thumbprint: file.thumbprint }
    expect(judgeProof(answers, { ...wanted, ...(incumbentId !== undefined && { incumbentId }) })).toBe(expected)
  })
})

describe('did-documents.json', () => {
  type Status = 'pending' | 'active' | 'suspended' | 'revoked'
  const file = readVectors('did-documents.json') as {
    served: Vector<
      { did: string; public_key: string; status: Status },
      { document: JsonObject; http_status_as_did_json: number }
    >[]
    received: Vector<{ did: string; public_key: string; document: JsonObject }>[]
  }

  it.each(file.served)('served: $name', ({ did, public_key, status, expect: expected }) => {
    const publicKey = fromBase64(public_key)
    expect(buildDidDocument({ did, status, publicKey })).toEqual(expected.document)
    const agent = create(GetAgentResponseSchema, { did, status, didDocument: expected.document })
    const served = didResolution[methodName(IdentityService.method.getAgent)]?.representations[0]?.success(agent)
    expect(served).toEqual({
      status: expected.http_status_as_did_json,
      body: JSON.stringify(expected.document),
    })
  })

  it.each(file.received)('received: $name', ({ did, public_key, document, expect: expected }) => {
    const result = resultOf(() => checkDidDocument(document, did, fromBase64(public_key)))
    expect(isRefused(result) ? result : 'accepted').toEqual(expected)
  })
})
