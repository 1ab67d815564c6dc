import { encodeBase64, encodeBase64url } from '@auth4agent/core/encoding/base64'
import { encodeMultikey } from '@auth4agent/core/encoding/multibase'
import type { JsonObject } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { reasonOf } from '../../../test/support/reason-of.ts'
import { checkDidDocument } from './check-did-document.ts'

const did = 'did:agent:acme.example:0123456789abcdef0123456789abcdef'
const key = Buffer.alloc(32, 7)
const otherKey = Buffer.alloc(32, 8)
const withKey = (publicKeyMultibase: JsonObject[string]): JsonObject => ({
  id: did,
  verificationMethod: [{ id: `${did}#key-1`, type: 'Ed25519VerificationKey2020', controller: did, publicKeyMultibase }],
})

describe('checkDidDocument', () => {
  it.each<[string, JsonObject]>([
    ['an empty document', {}],
    ['a document without keys', { '@context': 'https://www.w3.org/ns/did/v1', id: did }],
    ['a document with an empty list of keys', { id: did, verificationMethod: [] }],
    ['a method without publicKeyMultibase', { id: did, verificationMethod: [{ id: `${did}#key-1` }] }],
    ['the key as a Multikey', withKey(encodeMultikey(key))],
    ['the key as plain base64, as old clients send it', withKey(encodeBase64(key))],
    ['the key as base64url', withKey(encodeBase64url(key))],
  ])('accepts %s', (_name, document) => {
    expect(reasonOf(() => checkDidDocument(document, did, key))).toBeUndefined()
  })

  it.each<[string, JsonObject]>([
    ['the id of another agent', { id: did.replace('acme', 'evil') }],
    ['an id that is null', { id: null }],
    ['another key as a Multikey', withKey(encodeMultikey(otherKey))],
    ['another key as base64', withKey(encodeBase64(otherKey))],
    ['a key of 31 bytes', withKey(encodeBase64(key.subarray(1)))],
    ['a key that is not a text', withKey([1, 2])],
    ['a key that is null', withKey(null)],
    ['an empty key', withKey('')],
    ['methods that are not a list', { id: did, verificationMethod: { '0': {} } }],
    ['a method that is not an object', { id: did, verificationMethod: ['z6Mk'] }],
    ['a method that is null', { id: did, verificationMethod: [null] }],
  ])('refuses %s', (_name, document) => {
    expect(reasonOf(() => checkDidDocument(document, did, key))).toBe('INVALID_ARGUMENT')
  })
})
