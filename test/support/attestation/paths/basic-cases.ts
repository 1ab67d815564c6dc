import { commonName, integer, sequence, time } from '../der.ts'
import { ext, extension, NOW, name } from '../make-certificate.ts'
import { makeChain, makeLink } from '../make-chain.ts'
import { BECAUSE, type PathCase, path, pathOf } from './path-case.ts'

const past = { notAfter: time(NOW - 1_000) }
const last = { notAfter: time(NOW) }
const future = { notBefore: time(NOW + 61_000) }

/** Paths that are valid. */
const VALID: readonly PathCase[] = [
  { name: 'a leaf under a root', make: () => path({}, {}) },
  { name: 'a leaf under a CA under a root', make: () => path({}, {}, {}) },
  { name: 'five CAs', make: () => path({}, {}, {}, {}, {}, {}, {}) },
  {
    name: 'a chain that contains its root',
    make: () => {
      const made = makeChain({}, {}, {})
      return { ...pathOf(made), chain: made.map((each) => each.der).toReversed() }
    },
  },
  { name: 'a path length that is just enough', make: () => path({ ca: ext.ca(1) }, { ca: ext.ca(0) }, {}) },
  {
    name: 'a self-issued CA, which does not count for the path length',
    make: () => {
      const root = makeLink({ cn: 'root', ca: ext.ca(0) }, undefined, 0, false)
      const rolled = makeLink({ cn: 'new key', subject: commonName('root') }, root, 1, false)
      return pathOf([root, rolled, makeLink({}, rolled, 2, true)])
    },
  },
  {
    name: 'a CA that is pinned as root',
    make: () => {
      const [, ca, leaf] = makeChain({}, {}, {})
      return ca && leaf ? pathOf([ca, leaf]) : path()
    },
  },
  {
    name: 'two roots of one name',
    make: () => {
      const [old] = makeChain({ cn: 'old', subject: commonName('root') }, {})
      const made = path({ cn: 'new', subject: commonName('root') }, {})
      return { ...made, roots: [...(old ? [old.der] : []), ...made.roots] }
    },
  },
  {
    name: 'a CA that another root has cross-signed',
    make: () => {
      const [, ca] = makeChain({ cn: 'old root' }, { cn: 'ca' }, {})
      const [root, crossed, leaf] = makeChain({ cn: 'new root' }, { cn: 'ca' }, {})
      return ca && root && crossed && leaf ? pathOf([root, crossed, leaf]) : path()
    },
  },
  {
    name: 'an empty subject with critical alternative names',
    make: () => path({}, { subject: sequence(), names: ext.criticalNames(name.dns('agent.example')) }),
  },
  { name: 'a leaf without alternative names', make: () => path({}, { names: undefined }) },
  { name: 'times after 2050', make: () => path({ notAfter: time(Date.UTC(2060, 0)) }, {}) },
  { name: 'the last second but one', make: () => path({}, { notAfter: time(NOW + 1_000) }) },
  ...(
    [
      ['leaf', () => path({}, {}, last)],
      ['CA', () => path({}, last, {})],
      ['root', () => path(last, {}, {})],
    ] as const
  ).map(
    ([what, make]): PathCase => ({
      name: `the last second of a ${what}`,
      make,
      openssl: 'certificate has expired',
      because: 'RFC 5280 section 4.1.2.5: a certificate is valid through notAfter, inclusive',
    }),
  ),
  {
    name: 'no key identifiers',
    make: () => path({ keyIds: false }, { keyIds: false }, { keyIds: false }),
    openssl: 'Missing Subject Key Identifier',
    because: BECAUSE.laxer,
  },
  {
    name: 'basic constraints that are not critical',
    make: () => path({}, { ca: ext.ca(undefined, false) }, {}),
    openssl: 'Basic Constraints of CA cert not marked critical',
    because: BECAUSE.laxer,
  },
]

const TIMES: readonly PathCase[] = [
  { name: 'an expired leaf', make: () => path({}, {}, past), refusal: 'The leaf must not have expired' },
  {
    name: 'an expired CA',
    make: () => path({}, past, {}),
    refusal: 'Certificate 2 of the chain must not have expired',
  },
  { name: 'an expired root', make: () => path(past, {}, {}), refusal: 'The root must not have expired' },
  { name: 'a leaf of tomorrow', make: () => path({}, {}, future), refusal: 'The leaf must be valid already' },
  { name: 'a CA of tomorrow', make: () => path({}, future, {}), refusal: 'Certificate 2 of the chain must be valid' },
  { name: 'a root of tomorrow', make: () => path(future, {}, {}), refusal: 'The root must be valid already' },
].map(
  (each): PathCase =>
    Object.assign(each, { openssl: each.name.includes('expired') ? 'certificate has expired' : 'not yet valid' }),
)

/** Paths with a certificate that must not issue, or must not be issued to. */
const ROLES: readonly PathCase[] = [
  {
    name: 'a leaf that issues a leaf',
    make: () => path({}, { ca: undefined, keyUsage: ext.keyUsage(0x80, 7) }, {}),
    refusal: 'Certificate 2 of the chain must be a CA certificate',
    openssl: 'invalid CA certificate',
  },
  {
    name: 'an issuer whose basic constraints say no',
    make: () => path({}, { ca: ext.notCa() }, {}),
    refusal: 'Certificate 2 of the chain must be a CA certificate',
    openssl: 'invalid CA certificate',
  },
  {
    name: 'a root that is not a CA',
    make: () => path({ ca: undefined }, {}),
    refusal: 'The root must be a CA certificate',
    openssl: 'invalid CA certificate',
  },
  {
    name: 'a CA whose key must not sign certificates',
    make: () => path({}, { keyUsage: ext.keyUsage(0x82, 1) }, {}),
    refusal: 'Certificate 2 of the chain must have the key usage keyCertSign',
    openssl: 'invalid CA certificate',
  },
  {
    name: 'a root whose key must not sign certificates',
    make: () => path({ keyUsage: ext.keyUsage(0x80, 7) }, {}),
    refusal: 'The root must have the key usage keyCertSign',
    openssl: 'invalid CA certificate',
  },
  {
    name: 'a CA without key usage',
    make: () => path({}, { keyUsage: undefined }, {}),
    refusal: 'Certificate 2 of the chain must have the key usage keyCertSign',
    openssl: 'CA cert does not include key usage extension',
  },
  {
    name: 'a leaf that is a CA',
    make: () => path({}, { ca: ext.ca(), keyUsage: ext.keyUsage(0x84, 2) }),
    refusal: 'The leaf must not be a CA certificate',
    because: BECAUSE.profile,
  },
  {
    name: 'a leaf that is a CA whose key must not sign certificates',
    make: () => path({}, { ca: ext.ca() }),
    refusal: 'The leaf must not be a CA certificate',
    because: BECAUSE.profile,
  },
  {
    name: 'a leaf whose key may sign certificates',
    make: () => path({}, { keyUsage: ext.keyUsage(0x84, 2) }),
    refusal: 'The leaf must not be a CA certificate',
    openssl: 'Key usage keyCertSign invalid for non-CA cert',
  },
  {
    name: 'a leaf with a path length',
    make: () => path({}, { more: [extension('2.5.29.19', sequence(integer(0)), true)] }),
    refusal: 'must have well-formed basic constraints',
    openssl: 'Path length invalid for non-CA cert',
  },
  {
    name: 'a path that is longer than its CA allows',
    make: () => path({}, { ca: ext.ca(0) }, {}, {}),
    refusal: 'Certificate 3 of the chain must allow a path of this length',
    openssl: 'path length constraint exceeded',
  },
  {
    name: 'a path that is longer than its root allows',
    make: () => path({ ca: ext.ca(1) }, {}, {}, {}),
    refusal: 'The root must allow a path of this length',
    openssl: 'path length constraint exceeded',
  },
  {
    name: 'a chain that is only the root',
    make: () => {
      const { roots } = path({}, {})
      return { chain: roots, roots }
    },
    refusal: 'The leaf must not be a root',
    because: BECAUSE.usage,
  },
  {
    name: 'more CAs than the configuration allows',
    make: () => ({ ...path({}, {}, {}, {}), maxPath: 1 }),
    refusal: 'The chain must have at most 1 CA certificates between root and leaf',
    because: 'this limit is of the configuration',
  },
]

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'
const forClients = { more: [ext.purposes(CLIENT_AUTH)] }
const forServers = { more: [ext.purposes(SERVER_AUTH)] }

/** Paths of which the configuration demands that the leaf is for TLS clients. */
const PURPOSES: readonly PathCase[] = [
  { name: 'the wanted purpose', make: () => path({}, {}, forClients) },
  { name: 'a CA of the wanted purpose', make: () => path({}, forClients, forClients) },
  {
    name: 'a CA of any purpose',
    make: () => path({}, { more: [ext.purposes('2.5.29.37.0')] }, forClients),
    openssl: 'unsuitable',
    because: 'RFC 5280 section 4.2.1.12: this purpose restricts nothing',
  },
  {
    name: 'a leaf of another purpose',
    make: () => path({}, {}, forServers),
    refusal: 'The leaf must have',
    openssl: 'unsuitable',
  },
  {
    name: 'a CA of another purpose',
    make: () => path({}, forServers, forClients),
    refusal: 'Certificate 2 of the chain must have the extended key usage',
    openssl: 'unsuitable',
  },
  {
    name: 'a root of another purpose',
    make: () => path(forServers, {}, forClients),
    refusal: 'The root must have the extended key usage',
    openssl: 'unsuitable',
  },
  { name: 'a root of the wanted purpose', make: () => path(forClients, forClients, forClients) },
  {
    name: 'a leaf without purposes',
    make: () => path({}, {}, {}),
    refusal: 'The leaf must have the extended key usage',
    because: 'the operator has demanded the purpose',
  },
  {
    name: 'a leaf of any purpose',
    make: () => path({}, {}, { more: [ext.purposes('2.5.29.37.0')] }),
    refusal: 'The leaf must have the extended key usage',
    openssl: 'unsuitable',
  },
]

const forClientsOnly = ({ make, ...each }: PathCase): PathCase => ({
  ...each,
  make: () => ({ ...make(), purposes: [CLIENT_AUTH] }),
})

export const BASIC_CASES: readonly PathCase[] = [...VALID, ...TIMES, ...ROLES, ...PURPOSES.map(forClientsOnly)]
