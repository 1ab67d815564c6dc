import { describe, expect, it } from 'vitest'
import { fingerprint, formatDid, parseDid } from './did.ts'

const RAW_KEY = Buffer.from('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', 'hex')
const FP = '21fe31dfa154a261626bf854046fd227'
const LABEL_63 = 'a'.repeat(63)
const DOMAIN_253 = `${LABEL_63}.${LABEL_63}.${LABEL_63}.${'a'.repeat(61)}`

it("fingerprint returns the first 16 bytes of the key's SHA-256", () => {
  expect(fingerprint(RAW_KEY)).toBe(FP)
})

describe('parseDid', () => {
  it.each([
    ['two labels', 'example.com'],
    ['many labels', 'a.b.c.example.com'],
    ['A-labels', 'xn--bcher-kva.xn--p1ai'],
    ['labels of digits below the last one', '1.2.3.example'],
    ['inner hyphens', 'r4---sn-abc.example.com'],
    ['longest label', `${LABEL_63}.com`],
    ['longest domain', DOMAIN_253],
  ])('accepts %s and formats it back', (_name, domain) => {
    const did = `did:agent:${domain}:${FP}`
    expect(parseDid(did)).toEqual({ domain, fingerprint: FP })
    expect(formatDid(domain, FP)).toBe(did)
  })

  it.each([
    ['empty', ''],
    ['another method', `did:web:example.com:${FP}`],
    ['upper-case scheme', `DID:agent:example.com:${FP}`],
    ['upper-case method', `did:Agent:example.com:${FP}`],
    ['no fingerprint', 'did:agent:example.com'],
    ['empty fingerprint', 'did:agent:example.com:'],
    ['short fingerprint', `did:agent:example.com:${FP.slice(1)}`],
    ['long fingerprint', `did:agent:a.com:${FP}0`],
    ['upper-case fingerprint', `did:agent:example.com:${FP.toUpperCase()}`],
    ['fingerprint not hex', `did:agent:example.com:${FP.slice(1)}g`],
    ['further part', `did:agent:example.com:${FP}:x`],
    ['port in the domain', `did:agent:example.com:443:${FP}`],
    ['percent-encoded colon', `did:agent:example.com%3A443:${FP}`],
    ['percent-encoded DID', `did%3Aagent%3Aexample.com%3A${FP}`],
    ['path', `did:agent:example.com:${FP}/a`],
    ['query', `did:agent:example.com:${FP}?a=b`],
    ['fragment', `did:agent:example.com:${FP}#key-1`],
    ['leading space', ` did:agent:example.com:${FP}`],
    ['trailing newline', `did:agent:example.com:${FP}\n`],
    ['NUL in the domain', `did:agent:exa\0mple.com:${FP}`],
    ['empty domain', `did:agent::${FP}`],
    ['single label', `did:agent:localhost:${FP}`],
    ['upper-case domain', `did:agent:Example.com:${FP}`],
    ['U-label', `did:agent:bücher.example:${FP}`],
    ['Kelvin sign for k', `did:agent:\u212Aey.example:${FP}`],
    ['trailing dot', `did:agent:example.com.:${FP}`],
    ['leading dot', `did:agent:.example.com:${FP}`],
    ['empty label', `did:agent:example..com:${FP}`],
    ['leading hyphen', `did:agent:-example.com:${FP}`],
    ['trailing hyphen', `did:agent:example-.com:${FP}`],
    ['underscore', `did:agent:_dmarc.example.com:${FP}`],
    ['inner underscore', `did:agent:a_b.example.com:${FP}`],
    ['wildcard', `did:agent:*.example.com:${FP}`],
    ['label of 64 characters', `did:agent:${LABEL_63}a.com:${FP}`],
    ['domain of 254 characters', `did:agent:${DOMAIN_253}a:${FP}`],
    ['IPv4 address', `did:agent:192.0.2.1:${FP}`],
    ['IPv4 address in hex', `did:agent:192.0.2.0x1:${FP}`],
    ['IPv6 address', `did:agent:[2001:db8::1]:${FP}`],
    ['user info', `did:agent:user@example.com:${FP}`],
    ['far too long', `did:agent:${'a.'.repeat(100_000)}com:${FP}`],
  ])('refuses %s', (_name, text) => {
    expect(parseDid(text)).toBeUndefined()
  })
})
