import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { describe, expect, it } from 'vitest'
import { newAgent } from '../../../test/support/identity.ts'
import { reasonOf } from '../../../test/support/reason-of.ts'
import { checkRegistration, type RegistrationRequest } from './check-registration.ts'

const domain = 'acme.example'
const { did, agentPublicKey } = newAgent(domain)
const good: RegistrationRequest = { did, agentPublicKey, label: 'buyer' }

describe('checkRegistration', () => {
  it.each([
    ['the DID that is formed from key and domain', did],
    ['an empty DID, and forms it', ''],
  ])('accepts %s', (_name, asked) => {
    expect(checkRegistration({ ...good, did: asked }, domain)).toEqual({
      did,
      label: 'buyer',
      publicKey: agentPublicKey,
      thumbprint: thumbprint(agentPublicKey),
    })
  })

  it.each<[string, Partial<RegistrationRequest>, string]>([
    ['a malformed DID', { did: 'did:agent:acme.example' }, 'INVALID_DID'],
    ['a DID in upper case', { did: did.toUpperCase() }, 'INVALID_DID'],
    ['the DID of another key', { did: newAgent(domain).did }, 'DID_MISMATCH'],
    ['the DID of another domain', { did: did.replace(domain, 'sub.acme.example') }, 'DID_MISMATCH'],
    ['no key', { agentPublicKey: new Uint8Array() }, 'INVALID_PUBLIC_KEY'],
    ['a key of 33 bytes', { agentPublicKey: new Uint8Array(33) }, 'INVALID_PUBLIC_KEY'],
    ['a key of small order', { agentPublicKey: new Uint8Array(32) }, 'INVALID_PUBLIC_KEY'],
    ['a label that is too long', { label: 'a'.repeat(101) }, 'INVALID_ARGUMENT'],
    ['a DID document of another agent', { didDocument: { id: newAgent(domain).did } }, 'INVALID_ARGUMENT'],
    ['a DID document of another agent, without a DID', { did: '', didDocument: { id: 'x' } }, 'INVALID_ARGUMENT'],
  ])('refuses %s', (_name, part, reason) => {
    expect(reasonOf(() => checkRegistration({ ...good, ...part }, domain))).toBe(reason)
  })

  it.each([
    [
      'both domains',
      did.replace(domain, 'a.example'),
      'The DID is under a.example, but the domain of the operator is acme.example',
    ],
    ['the key', newAgent(domain).did, 'The DID must have the fingerprint of agent_public_key'],
  ])('names %s of a DID that does not fit', (_name, given, detail) => {
    expect(() => checkRegistration({ ...good, did: given }, domain)).toThrow(detail)
  })
})
