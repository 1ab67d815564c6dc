import { commonName, oid, sequence } from '../der.ts'
import { withCompressedPoint, withExplicitParameters, withHybridPoint } from '../key-forms.ts'
import { ext, type KeyKind, keyPair } from '../make-certificate.ts'
import { type Link, makeChain } from '../make-chain.ts'
import { BECAUSE, type PathCase, path } from './path-case.ts'

/** Paths whose certificates do not belong together. */
const LINKS: readonly PathCase[] = [
  {
    name: 'a root that is not pinned',
    make: () => ({ ...path({ cn: 'their root' }, {}), roots: path({ cn: 'our root' }, {}).roots }),
    refusal: 'The chain must end with a certificate that names a pinned root',
    openssl: 'unable to get local issuer certificate',
  },
  {
    name: 'a chain that contains a root that is not pinned',
    make: () => {
      const made = makeChain({ cn: 'their root' }, {}, {})
      return { chain: made.map((each) => each.der).toReversed(), roots: path({ cn: 'our root' }, {}).roots }
    },
    refusal: 'The chain must end with a certificate that names a pinned root',
    openssl: 'self-signed certificate in certificate chain',
  },
  {
    name: 'another root of the same name',
    make: () => {
      const subject = commonName('root')
      const made = path({ cn: 'their root', subject, keyIds: false }, { keyIds: false })
      return { ...made, roots: path({ cn: 'our root', subject, keyIds: false }, {}).roots }
    },
    refusal: 'The last certificate must be signed by the root that it names',
    openssl: 'certificate signature failure',
  },
  {
    name: 'a chain without its CA',
    make: () => ({ ...path({}, {}, {}), chain: path({}, {}, {}).chain.slice(0, 1) }),
    refusal: 'The chain must end with a certificate that names a pinned root',
    openssl: 'unable to get local issuer certificate',
  },
  {
    name: 'a leaf that names another issuer',
    make: () => path({}, {}, { issuer: commonName('somebody else') }),
    refusal: 'The leaf must name the subject of the next certificate as its issuer',
    openssl: 'unable to get local issuer certificate',
  },
  {
    name: 'a leaf that names its issuer in capitals',
    make: () => path({}, { cn: 'ca' }, { issuer: commonName('CA') }),
    refusal: 'The leaf must name the subject of the next certificate as its issuer',
    because: BECAUSE.names,
  },
  {
    name: 'a leaf that names another key of its issuer',
    make: () => {
      const { publicKey } = keyPair('P-256', 'other')
      return path({}, {}, { keyIds: false, more: [ext.authorityKeyId(publicKey)] })
    },
    refusal: 'The leaf must name the key of the next certificate as that of its issuer',
    openssl: 'unable to get local issuer certificate',
  },
  {
    name: 'a leaf that another key has signed',
    make: () => path({}, {}, { signer: keyPair('P-256', 'thief').privateKey }),
    refusal: 'The leaf must have a valid signature by the key of the next certificate',
    openssl: 'certificate signature failure',
  },
  {
    name: 'a CA that another key has signed',
    make: () => path({}, { signer: keyPair('P-256', 'thief').privateKey }, {}, {}),
    refusal: 'The last certificate must be signed by the root that it names',
    openssl: 'certificate signature failure',
  },
  {
    name: 'a leaf that a key of another type has signed',
    make: () => path({}, {}, { signer: keyPair('Ed25519', 'thief').privateKey }),
    refusal: 'The leaf must have a valid signature',
    openssl: 'unable to get local issuer certificate',
  },
  {
    name: 'a chain in another order',
    make: () => {
      const made = path({}, {}, {}, {})
      const [leaf, second, third] = made.chain
      return { ...made, chain: [leaf, third, second].filter((each) => each !== undefined) }
    },
    refusal: 'The chain must end with a certificate that names a pinned root',
    because: BECAUSE.order,
  },
  {
    name: 'a chain with another certificate in it',
    make: () => {
      const made = path({}, {}, {})
      const [stray] = path({ cn: 'their root' }, { cn: 'their ca' }, {}).chain.slice(1)
      return { ...made, chain: stray ? made.chain.toSpliced(1, 0, stray) : [] }
    },
    refusal: 'The leaf must name the subject of the next certificate',
    because: BECAUSE.order,
  },
]

const kinds = (kind: KeyKind, link: Link = {}) => path({ kind, ...link }, { kind, ...link }, { kind, ...link })

/** Algorithms and keys. */
const ALGORITHMS: readonly PathCase[] = [
  { name: 'P-384 with SHA-384', make: () => kinds('P-384', { algorithm: 'ecdsa-sha384' }) },
  { name: 'P-256 with SHA-512', make: () => kinds('P-256', { algorithm: 'ecdsa-sha512' }) },
  { name: 'Ed25519', make: () => kinds('Ed25519') },
  { name: 'RSA with SHA-256', make: () => kinds('RSA-2048') },
  { name: 'RSA with SHA-512', make: () => kinds('RSA-2048', { algorithm: 'rsa-sha512' }) },
  { name: 'RSASSA-PSS', make: () => kinds('RSA-2048', { algorithm: 'pss-sha256' }) },
  { name: 'a leaf of another type than its CA', make: () => path({ kind: 'RSA-2048' }, { kind: 'P-384' }, {}) },
  ...(['ecdsa-sha1', 'rsa-sha1', 'rsa-md5'] as const).map((algorithm): PathCase => {
    const kind = algorithm.startsWith('rsa') ? 'RSA-2048' : 'P-256'
    return {
      name: `a leaf that is signed with ${algorithm}`,
      make: () => path({}, { kind }, { algorithm }),
      refusal: 'must be signed with ECDSA, RSA or Ed25519, and with SHA-256',
      openssl: 'CA signature digest algorithm too weak',
    }
  }),
  {
    name: 'RSASSA-PSS with a short salt',
    make: () => path({ kind: 'RSA-2048' }, { algorithm: 'pss-short-salt' }),
    refusal: 'must be signed with ECDSA, RSA or Ed25519, and with SHA-256',
    because: BECAUSE.keys,
  },
  {
    name: 'a leaf with RSA of 1024 bits',
    make: () => path({}, { kind: 'RSA-1024' }),
    refusal: 'must have a key of P-256, P-384, Ed25519, or RSA of 2048',
    openssl: 'EE certificate key too weak',
  },
  {
    name: 'a CA with RSA of 1024 bits',
    make: () => path({}, { kind: 'RSA-1024' }, {}),
    refusal: 'must have a key of P-256, P-384, Ed25519, or RSA of 2048',
    openssl: 'CA certificate key too weak',
  },
  {
    name: 'RSA with the exponent 3',
    make: () => path({}, { kind: 'RSA-e3' }),
    refusal: 'must have a key of P-256, P-384, Ed25519, or RSA of 2048',
    because: BECAUSE.keys,
  },
  {
    name: 'P-521',
    make: () => path({}, { kind: 'P-521' }),
    refusal: 'must have a key of P-256, P-384, Ed25519, or RSA of 2048',
    because: BECAUSE.keys,
  },
  {
    name: 'another algorithm inside than outside',
    make: () => path({}, { inner: sequence(oid('1.2.840.10045.4.3.3')) }),
    refusal: 'must name one signature algorithm in both places',
    openssl: 'ignature algorithm mismatch',
  },
]

const NAMED = 'and name its curve'
const keyOf = (cn: string) => keyPair('P-256', cn).publicKey
const FORBIDDEN = 'RFC 5480 section 2.2 forbids it'

/** Forms of a key on P-256. */
const POINTS: readonly PathCase[] = [
  {
    name: 'a leaf with explicit parameters of its curve',
    make: () => path({}, { spki: withExplicitParameters(keyOf('leaf')) }),
    refusal: NAMED,
    openssl: 'explicit',
  },
  {
    name: 'a CA with explicit parameters of its curve',
    make: () => path({}, { spki: withExplicitParameters(keyOf('ca 1')) }, {}),
    refusal: NAMED,
    openssl: 'explicit',
  },
  {
    name: 'a root with explicit parameters of its curve',
    make: () => path({ spki: withExplicitParameters(keyOf('ca 0')) }, {}),
    refusal: NAMED,
    openssl: 'explicit',
  },
  {
    name: 'a point in the hybrid form',
    make: () => path({}, { spki: withHybridPoint(keyOf('leaf')) }),
    refusal: NAMED,
    because: FORBIDDEN,
  },
  { name: 'a compressed point', make: () => path({}, { spki: withCompressedPoint(keyOf('leaf')) }) },
]

export const LINK_CASES: readonly PathCase[] = [...LINKS, ...ALGORITHMS, ...POINTS]
