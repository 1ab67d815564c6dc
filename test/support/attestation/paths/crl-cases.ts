import { boolean, commonName, der, integer, octets, oid, sequence, time } from '../der.ts'
import { DAY_MS, ext, extension, keyPair, NOW, name } from '../make-certificate.ts'
import { type CrlParts, type Link, makeChain, makeCrl } from '../make-chain.ts'
import { BECAUSE, type PathCase, pathOf } from './path-case.ts'

const UNCOVERED = 'must be covered by a current CRL'
const LEAF_SERIAL = integer(70_001)
const CA_SERIAL = integer(70_002)

/** A path with a CRL of the root and one of the CA. `undefined` leaves a CRL out. */
const listed =
  (ofRoot: CrlParts | undefined, ofCa: CrlParts | undefined, ca: Link = {}, root: Link = {}) =>
  () => {
    const made = makeChain(root, { serial: CA_SERIAL, ...ca }, { serial: LEAF_SERIAL })
    const crls = [ofRoot, ofCa].flatMap((parts, at) => {
      const issuer = made[at]
      return parts === undefined || issuer === undefined ? [] : [makeCrl(issuer, parts)]
    })
    return { ...pathOf(made), crls }
  }

const past = { nextUpdate: [time(NOW - 1_000)] }
const WITHOUT_CRL_SIGN = ext.keyUsage(0x04, 2)

const DISTRIBUTION_POINT = der(0xa0, der(0xa0, name.uri('http://crl.example/1')))
const YES = Buffer.from([0xff])

const SCOPE = 'only complete CRLs are read, and OpenSSL also reads one of all leaves, or of all CAs'
/** The CRLs that OpenSSL reads, because the certificate below their issuer is of the kind that they list. */
const ACCEPTED: ReadonlySet<string> = new Set(['CA of only leaves', 'root of only CAs'])

/** Extensions that make a CRL incomplete, and which their issuer has not marked as critical. */
const INCOMPLETE: readonly PathCase[] = (
  [
    ['of changes to CRL 1', extension('2.5.29.27', integer(1))],
    ['of one distribution point', extension('2.5.29.28', sequence(DISTRIBUTION_POINT))],
    ['of only leaves', extension('2.5.29.28', sequence(der(0x81, YES)))],
    ['of only CAs', extension('2.5.29.28', sequence(der(0x82, YES)))],
    ['of only some reasons', extension('2.5.29.28', sequence(der(0x83, Buffer.from([6, 0x40]))))],
    ['of certificates of other issuers', extension('2.5.29.28', sequence(der(0x84, YES)))],
    ['of only attribute certificates', extension('2.5.29.28', sequence(der(0x85, YES)))],
  ] as const
).flatMap(([what, incomplete]) =>
  (['root', 'CA'] as const).map((issuer): PathCase => {
    const verdict = ACCEPTED.has(`${issuer} ${what}`) ? { because: SCOPE } : { openssl: 'CRL' }
    const [ofRoot, ofCa] = issuer === 'root' ? [{ extensions: [incomplete] }, {}] : [{}, { extensions: [incomplete] }]
    return Object.assign(verdict, {
      name: `a CRL of the ${issuer}, ${what}, which is not marked as critical`,
      make: listed(ofRoot, ofCa),
      refusal: 'must be complete: it must not have the extension 2.5.29.2',
    })
  }),
)

/** Paths that are validated with CRLs. */
export const CRL_CASES: readonly PathCase[] = [
  { name: 'CRLs that list nothing', make: listed({}, {}) },
  { name: 'a CRL that lists another certificate', make: listed({}, { revoked: [integer(9)] }) },
  {
    name: 'a revoked leaf',
    make: listed({}, { revoked: [integer(9), LEAF_SERIAL] }),
    refusal: 'The leaf must not be revoked',
    openssl: 'certificate revoked',
  },
  {
    name: 'a revoked CA',
    make: listed({ revoked: [CA_SERIAL] }, {}),
    refusal: 'Certificate 2 of the chain must not be revoked',
    openssl: 'certificate revoked',
  },
  {
    name: 'the serial number of the leaf in the CRL of another issuer',
    make: listed({ revoked: [LEAF_SERIAL] }, {}),
  },
  {
    name: 'no CRL for the leaf',
    make: listed({}, undefined),
    refusal: UNCOVERED,
    openssl: 'unable to get certificate CRL',
  },
  {
    name: 'no CRL for the CA',
    make: listed(undefined, {}),
    refusal: UNCOVERED,
    openssl: 'unable to get certificate CRL',
  },
  { name: 'an expired CRL', make: listed({}, past), refusal: `The leaf ${UNCOVERED}`, openssl: 'CRL has expired' },
  {
    name: 'a CRL of tomorrow',
    make: listed({}, { thisUpdate: time(NOW + 61_000) }),
    refusal: UNCOVERED,
    openssl: 'CRL is not yet valid',
  },
  {
    name: 'a CRL that another key has signed',
    make: listed({}, { signer: keyPair('P-256', 'thief').privateKey }),
    refusal: UNCOVERED,
    openssl: 'CRL signature failure',
  },
  {
    name: 'a CRL in the name of another issuer',
    make: listed({}, { issuer: commonName('another CA') }),
    refusal: UNCOVERED,
    openssl: 'unable to get certificate CRL',
  },
  {
    name: 'a CA that may not sign CRLs',
    make: listed({}, {}, { keyUsage: WITHOUT_CRL_SIGN }),
    refusal: UNCOVERED,
    openssl: 'key usage does not include CRL signing',
  },
  {
    name: 'a CRL without a next update',
    make: listed({}, { nextUpdate: [] }),
    refusal: 'must have a nextUpdate',
    because: BECAUSE.profile,
  },
  {
    name: 'a CRL of only some certificates',
    make: listed({}, { extensions: [extension('2.5.29.28', sequence(der(0x81, Buffer.from([0xff]))), true)] }),
    refusal: 'must not have the critical extension 2.5.29.28',
    because: SCOPE,
  },
  {
    name: 'a delta CRL',
    make: listed({}, { extensions: [extension('2.5.29.27', integer(1), true)] }),
    refusal: 'must not have the critical extension 2.5.29.27',
    openssl: 'unable to get certificate CRL',
  },
  {
    name: 'a CRL with an unknown critical extension',
    make: listed({}, { extensions: [sequence(oid('1.3.6.1.4.1.99999.1'), boolean(true), octets(der(5)))] }),
    refusal: 'must not have the critical extension',
    openssl: 'unhandled critical CRL extension',
  },
  {
    name: 'a CRL whose entry has an unknown critical extension',
    make: listed({}, { revoked: [integer(9)], entryExtensions: [extension('1.3.6.1.4.1.99999.1', der(5), true)] }),
    refusal: 'must not have the critical extension',
    openssl: 'unhandled critical CRL extension',
  },
  {
    name: 'a CRL with another algorithm inside than outside',
    make: listed({}, { inner: sequence(oid('1.2.840.10045.4.3.3')) }),
    refusal: 'must name one signature algorithm in both places',
    openssl: 'CRL signature failure',
  },
  {
    name: 'a CRL whose entry names another issuer, which is not marked as critical',
    make: listed(
      {},
      { revoked: [integer(9)], entryExtensions: [extension('2.5.29.29', sequence(name.directory(commonName('b'))))] },
    ),
    refusal: 'must be complete: it must not have the extension 2.5.29.29',
    because: 'only complete CRLs are read, and OpenSSL also reads entries of other issuers',
  },
  {
    name: 'an expired CRL beside a current one',
    make: () => {
      const made = makeChain({}, { serial: CA_SERIAL }, { serial: LEAF_SERIAL })
      const [root, ca] = made
      const crls =
        root && ca ? [makeCrl(ca, past), makeCrl(root), makeCrl(ca, { thisUpdate: time(NOW - DAY_MS / 2) })] : []
      return { ...pathOf(made), crls }
    },
  },
  ...INCOMPLETE,
]
