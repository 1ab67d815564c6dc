import { create, type JsonObject } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { PutAttestorRequestSchema } from '../../../gen/proto/auth4agent/v1/attestation_policy_pb.ts'
import { reasonOf } from '../../../test/support/reason-of.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { AttestorTypes } from '../types/index.ts'
import { readNewAttestor } from './read-new-attestor.ts'

const types: AttestorTypes = {
  x509: {
    checkConfig(config) {
      if ('wrong' in config) throw new ApiError('INVALID_ATTESTOR', 'config.wrong must not be there')
    },
    challenge: undefined,
    appraise: () => Promise.reject(new Error('Nothing is appraised here')),
  },
}
const GOOD = { name: 'ci', type: 'x509', config: { roots: ['a'] } as JsonObject, resultTtl: 60 }

describe('readNewAttestor', () => {
  it('returns a good attestor', () => {
    expect(read({})).toEqual(GOOD)
  })

  it('fills in an hour, and an empty configuration', () => {
    expect(readNewAttestor(create(PutAttestorRequestSchema, { name: 'ci', type: 'x509' }), types)).toEqual({
      name: 'ci',
      type: 'x509',
      config: {},
      resultTtl: 3600,
    })
  })

  it.each<[string, Partial<typeof GOOD>, string]>([
    ['no name', { name: '' }, 'name must be a letter'],
    ['a name in upper case', { name: 'CI' }, 'name must be a letter'],
    ['a name with a hyphen, which conditions cannot name', { name: 'c-i' }, 'name must be a letter'],
    ['a name that begins with a digit', { name: '1a' }, 'name must be a letter'],
    ['a name of 64 characters', { name: 'a'.repeat(64) }, 'name must be a letter'],
    ['an unknown type', { type: 'saml' }, 'type must be one of x509'],
    ['a type that this server does not have', { type: 'tpm' }, 'type must be one of x509'],
    ['a type in upper case', { type: 'X509' }, 'type must be one of x509'],
    ['a member of the prototype of objects as type', { type: 'constructor' }, 'type must be one of x509'],
    ['a lifetime of 59 seconds', { resultTtl: 59 }, 'result_ttl must be between 60 and 31536000'],
    ['a negative lifetime', { resultTtl: -1 }, 'result_ttl must be between'],
    ['a lifetime of more than a year', { resultTtl: 31_536_001 }, 'result_ttl must be between'],
    ['a configuration that the type refuses', { config: { wrong: 1 } }, 'config.wrong must not be there'],
    [
      'a configuration of more than 16 KiB',
      { config: { roots: 'a'.repeat(16_373) } },
      'config must have at most 16384',
    ],
    ['a configuration that is nested 17 times', { config: nested(17) }, 'config must be strict JSON: depth'],
    ['a member __proto__', { config: JSON.parse('{"__proto__":1}') }, 'strict JSON: forbidden-member'],
  ])('refuses %s', (_name, change, message) => {
    expect(reasonOf(() => read(change))).toBe('INVALID_ATTESTOR')
    expect(() => read(change)).toThrow(message)
  })
})

function read(change: Partial<typeof GOOD>) {
  return readNewAttestor(create(PutAttestorRequestSchema, { ...GOOD, ...change }), types)
}

function nested(depth: number): JsonObject {
  return depth === 0 ? {} : { a: nested(depth - 1) }
}
