import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import { fingerprint, formatDid } from '@auth4agent/core/identity/did'
import { AGENT_KEY, DID, DOMAIN, describe, OTHER_AGENT_KEY, OTHER_DID, OTHER_DOMAIN } from './parties.ts'

const FINGERPRINT = fingerprint(AGENT_KEY.publicKey)
const PUBLIC_KEY = encodeBase64(AGENT_KEY.publicKey)

/** Makes DIDs, registrations and domains that are accepted or refused. */
export function makeDids(): object {
  return {
    description: describe(
      'DIDs. `derivations`: the DID of a domain and a key. `dids`: the only form of a DID that is accepted.',
      '`registrations`: the DID that a registration gives. `domains`: the domains that an operator may own.',
    ),
    derivations: [
      derivation('a domain of two labels', DOMAIN, AGENT_KEY.publicKey),
      derivation('a domain of three labels', 'agents.example.com', AGENT_KEY.publicKey),
      derivation('an internationalised domain in A-labels', 'xn--bcher-kva.example.com', AGENT_KEY.publicKey),
      derivation('another key under the same domain', DOMAIN, OTHER_AGENT_KEY.publicKey),
    ],
    dids: dids(),
    registrations: registrations(),
    domains: domains(),
  }
}

function derivation(name: string, domain: string, publicKey: Uint8Array): object {
  const did = formatDid(domain, fingerprint(publicKey))
  return { name, domain, public_key: encodeBase64(publicKey), expect: { fingerprint: fingerprint(publicKey), did } }
}

const didRefused = (name: string, did: string) => ({ name, did, expect: { refused: 'INVALID_DID' } })

function dids(): object[] {
  const accepted = (name: string, domain: string) => ({
    name,
    did: formatDid(domain, FINGERPRINT),
    expect: { domain, fingerprint: FINGERPRINT },
  })
  const label = 'a'.repeat(63)
  return [
    accepted('a domain of two labels', DOMAIN),
    accepted('a domain in A-labels', 'xn--bcher-kva.example.com'),
    accepted('a label of digits that is not the last label', '42.example.com'),
    accepted('a domain of 253 characters', `${[label, label, label].join('.')}.${'b'.repeat(57)}.com`),
    didRefused('an empty text', ''),
    didRefused('another method', DID.replace('did:agent:', 'did:web:')),
    didRefused('the method in upper case', DID.replace('did:agent:', 'did:AGENT:')),
    didRefused('the domain in upper case', DID.replace(DOMAIN, 'Example.com')),
    didRefused('a trailing dot of the domain', DID.replace(DOMAIN, `${DOMAIN}.`)),
    didRefused('a domain of one label', DID.replace(DOMAIN, 'localhost')),
    didRefused('a last label that begins with a digit', DID.replace(DOMAIN, '192.0.2.1')),
    didRefused('an empty label', DID.replace(DOMAIN, 'a..example.com')),
    didRefused('a hyphen at the end of a label', DID.replace(DOMAIN, 'a-.example.com')),
    didRefused('an underscore in a label', DID.replace(DOMAIN, '_a.example.com')),
    didRefused('a domain in U-labels', DID.replace(DOMAIN, 'bücher.example.com')),
    didRefused('a label of 64 characters', DID.replace(DOMAIN, `${label}a.com`)),
    didRefused(
      'a domain of 254 characters',
      DID.replace(DOMAIN, `${[label, label, label].join('.')}.${'b'.repeat(58)}.com`),
    ),
    didRefused('a port', DID.replace(DOMAIN, `${DOMAIN}%3A8080`)),
    didRefused('a fingerprint in upper case', DID.replace(FINGERPRINT, FINGERPRINT.toUpperCase())),
    didRefused('a fingerprint of 31 digits', DID.slice(0, -1)),
    didRefused('a fingerprint of 33 digits', `${DID}0`),
    didRefused('a fingerprint of 64 digits', `${DID}${'0'.repeat(32)}`),
    didRefused('percent-encoded colons', DID.replaceAll(':', '%3A')),
    didRefused('a DID URL with a fragment', `${DID}#key`),
    didRefused('a DID URL with a path', `${DID}/path`),
    didRefused('trailing white space', `${DID} `),
    didRefused('a trailing line feed', `${DID}\n`),
  ]
}

/** Makes registrations under the operator that owns DOMAIN. */
function registrations(): object[] {
  const given = { domain: DOMAIN, public_key: PUBLIC_KEY }
  return [
    { name: 'the DID of this key and domain', ...given, did: DID, expect: { did: DID } },
    { name: 'no DID: the server derives it', ...given, did: '', expect: { did: DID } },
    { name: 'the DID of another key', ...given, did: OTHER_DID, expect: { refused: 'DID_MISMATCH' } },
    {
      name: 'the DID of another domain',
      ...given,
      did: DID.replace(DOMAIN, OTHER_DOMAIN),
      expect: { refused: 'DID_MISMATCH' },
    },
    {
      name: 'a DID of a subdomain',
      ...given,
      did: DID.replace(DOMAIN, `agents.${DOMAIN}`),
      expect: { refused: 'DID_MISMATCH' },
    },
    { name: 'a text that is not a DID', ...given, did: 'agent', expect: { refused: 'INVALID_DID' } },
    {
      name: 'a key of small order',
      domain: DOMAIN,
      public_key: encodeBase64(Uint8Array.of(1, ...Buffer.alloc(31))),
      did: '',
      expect: { refused: 'INVALID_PUBLIC_KEY' },
    },
  ]
}

const domainAccepted = (name: string, domain: string, normalised: string, test_domains = false) => ({
  name,
  domain,
  test_domains,
  expect: { domain: normalised },
})
const domainRefused = (name: string, domain: string) => ({
  name,
  domain,
  test_domains: false,
  expect: { refused: 'INVALID_DOMAIN' },
})

function domains(): object[] {
  return [
    domainAccepted('a registrable domain', 'example.com', 'example.com'),
    domainAccepted('a subdomain', 'agents.example.com', 'agents.example.com'),
    domainAccepted('upper case and white space around', ' Example.COM ', 'example.com'),
    domainAccepted('a trailing dot', 'example.com.', 'example.com'),
    domainAccepted('U-labels become A-labels', 'bücher.example.com', 'xn--bcher-kva.example.com'),
    domainAccepted('A-labels stay A-labels', 'xn--bcher-kva.example.com', 'xn--bcher-kva.example.com'),
    domainAccepted('a name below a private suffix', 'acme.github.io', 'acme.github.io'),
    domainAccepted('a .test name where the server allows test domains', 'acme.test', 'acme.test', true),
    domainRefused('a .test name where the server does not allow test domains', 'acme.test'),
    domainRefused('an empty text', ''),
    domainRefused('a single label', 'localhost'),
    domainRefused('a public suffix', 'co.uk'),
    domainRefused('a public suffix of the private section', 'github.io'),
    domainRefused('a top-level domain that does not exist', 'acme.notatld'),
    domainRefused('a special-use name', 'acme.example'),
    domainRefused('a name of the local network', 'printer.local'),
    domainRefused('a malformed A-label', 'xn--a.example.com'),
    domainRefused('an IPv4 address', '192.0.2.1'),
    domainRefused('an IPv6 address', '[2001:db8::1]'),
    domainRefused('a URL', 'https://example.com'),
    domainRefused('a port', 'example.com:443'),
    domainRefused('a path', 'example.com/agents'),
    domainRefused('user information', 'user@example.com'),
    domainRefused('a wildcard', '*.example.com'),
    domainRefused('an underscore', '_auth4agents.example.com'),
    domainRefused('an empty label', 'a..example.com'),
    domainRefused('a hyphen at the end of a label', 'a-.example.com'),
    domainRefused('a label of 64 characters', `${'a'.repeat(64)}.com`),
  ]
}
