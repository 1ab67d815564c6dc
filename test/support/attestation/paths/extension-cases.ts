import { der, integer, oid, sequence } from '../der.ts'
import { extension } from '../make-certificate.ts'
import { BECAUSE, type PathCase, path } from './path-case.ts'

const UNKNOWN = '1.3.6.1.4.1.99999.1'

/** Extensions that are not processed. */
export const EXTENSION_CASES: readonly PathCase[] = [
  { name: 'an unknown extension that is not critical', make: () => path({}, { more: [extension(UNKNOWN, der(5))] }) },
  {
    name: 'critical policies',
    make: () => path({}, { more: [extension('2.5.29.32', sequence(sequence(oid('2.23.140.1.2.1'))), true)] }),
  },
  {
    name: 'policy constraints',
    make: () => path({}, { more: [extension('2.5.29.36', sequence(der(0x80, Buffer.from([0]))), true)] }, {}),
    refusal: 'must not have the critical extension 2.5.29.36',
    because: BECAUSE.policies,
  },
  {
    name: 'policy constraints that are not critical',
    make: () => path({}, { more: [extension('2.5.29.36', sequence(der(0x80, Buffer.from([0]))))] }, {}),
    refusal: 'must not have policy constraints',
    because: BECAUSE.policies,
  },
  {
    name: 'a critical inhibitAnyPolicy',
    make: () => path({}, { more: [extension('2.5.29.54', integer(0), true)] }, {}),
    refusal: 'must not have the critical extension 2.5.29.54',
    because: BECAUSE.policies,
  },
  {
    name: 'a leaf with an unknown critical extension',
    make: () => path({}, { more: [extension(UNKNOWN, der(5), true)] }),
    refusal: `must not have the critical extension ${UNKNOWN}`,
    openssl: 'unhandled critical extension',
  },
  {
    name: 'a CA with an unknown critical extension',
    make: () => path({}, { more: [extension(UNKNOWN, der(5), true)] }, {}),
    refusal: `must not have the critical extension ${UNKNOWN}`,
    openssl: 'unhandled critical extension',
  },
]
