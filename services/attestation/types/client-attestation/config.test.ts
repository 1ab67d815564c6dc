import { describe, expect, it } from 'vitest'
import { ATTESTER_KEY } from '../../../../test/support/attestation/client-attestations.ts'
import { ApiError } from '../../../platform/errors/api-error.ts'
import { parseClientAttestationConfig } from './config.ts'

describe('parseClientAttestationConfig', () => {
  it.each<[string, object, string]>([
    ['no keys', { keys: undefined }, 'config.keys must be a JWK Set of 1 to 32 keys'],
    ['an unknown member', { clients: [] }, 'config must not have a member "clients"'],
    ['a key of an algorithm that is not allowed', { algorithms: ['EdDSA'] }, 'Key 1 of config.keys must be a key of'],
    ['an unknown algorithm', { algorithms: ['HS256'] }, 'config.algorithms must be a list of'],
    ['an empty list of clients', { client_ids: [] }, 'config.client_ids must be a list of 1 to 1000 different texts'],
    ['a client that is a number', { client_ids: [1] }, 'config.client_ids must be a list of 1 to 1000 different texts'],
    ['a claim that the type sets', { claims: ['client_id'] }, 'config.claims must not list client_id'],
    ['cnf among the claims', { claims: ['cnf'] }, 'config.claims must not list cnf'],
  ])('refuses %s', (_name, changes, why) => {
    const parse = () => parseClientAttestationConfig({ keys: { keys: [ATTESTER_KEY.jwk] }, ...changes })
    expect(parse).toThrow(ApiError)
    expect(parse).toThrow(why)
  })
})
