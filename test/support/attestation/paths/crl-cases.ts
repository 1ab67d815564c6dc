import { boolean, commonName, der, integer, octets, oid, sequence, time } from '../der.ts'
import { DAY_MS, ext, extension, keyPair, NOW } from '../make-certificate.ts'
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
    because: 'only complete CRLs are read, and OpenSSL also reads one of all leaves',
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
    name: 'an expired CRL beside a current one',
    make: () => {
      const made = makeChain({}, { serial: CA_SERIAL }, { serial: LEAF_SERIAL })
      const [root, ca] = made
      const crls =
        root && ca ? [makeCrl(ca, past), makeCrl(root), makeCrl(ca, { thisUpdate: time(NOW - DAY_MS / 2) })] : []
      return { ...pathOf(made), crls }
    },
  },
]
