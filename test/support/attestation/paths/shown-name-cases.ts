import { commonName } from '../der.ts'
import { ext, name } from '../make-certificate.ts'
import { constrained, NOT_PERMITTED } from './name-cases.ts'
import { type PathCase, path } from './path-case.ts'

const { dns, uri, email, ip } = name
const V4 = [10, 1, 2, 3]
const V6 = [0x20, 1, 0xd, 0xb8, ...Array.from({ length: 12 }, () => 0)]
const RANGE = [10, 1, 0, 0, 255, 255, 0, 0]

/** Common names that are not permitted, beside an alternative name that is. */
const COMMON_NAMES: readonly PathCase[] = (
  [
    ['DNS name', 'a.example.org', dns('a.example.com'), dns('example.com')],
    ['DNS name with a period at its end', 'a.example.org.', dns('a.example.com'), dns('example.com')],
    ['wildcard', '*.example.org', dns('a.example.com'), dns('example.com')],
    ['URI', 'spiffe://other.example/x', uri('spiffe://example.com/x'), uri('example.com')],
    ['email address', 'a@example.org', email('a@example.com'), email('example.com')],
    ['address', '10.9.9.9', ip(...V4), ip(...RANGE)],
    ['IPv6 address', '2001:db9::1', ip(...V6), ip(...V6, ...V6.map((octet) => (octet === 0 ? 0 : 255)))],
  ] as const
).map(([what, text, names, allowed]) => ({
  name: `a common name like a ${what} that is not permitted, beside alternative names`,
  make: () => path({}, { more: [ext.constraints([allowed])] }, { subject: commonName(text), names: ext.names(names) }),
  refusal: NOT_PERMITTED,
  because: 'rules and people see the common name beside the alternative names',
}))

/** DNS names that programs read as an address, so constraints of addresses would not hold for it. */
const ADDRESSES_AS_DNS_NAMES: readonly PathCase[] = [
  '127.0.0.1',
  '*.0.0.1',
  '127.1',
  '2130706433',
  '0x7f000001',
  'a.0X7F',
].flatMap((text): readonly PathCase[] =>
  [[ip(...RANGE)], []].map((constraints) => ({
    name: `the DNS name ${text} ${constraints.length > 0 ? 'where addresses are constrained' : 'without constraints'}`,
    make:
      constraints.length > 0 ? constrained([dns(text)], constraints) : () => path({}, { names: ext.names(dns(text)) }),
    refusal: 'must have well-formed DNS names',
    because: 'RFC 1123 section 2.1: the last label of a DNS name is no number',
  })),
)

/** Names that could be taken for a name of another kind. */
export const SHOWN_NAME_CASES: readonly PathCase[] = [
  ...COMMON_NAMES,
  ...ADDRESSES_AS_DNS_NAMES,
  {
    name: 'a common name of one label where DNS names are constrained',
    make: () =>
      path(
        {},
        { more: [ext.constraints([dns('example.com')])] },
        { subject: commonName('runner'), names: ext.names(dns('a.example.com')) },
      ),
  },
  {
    name: 'a DNS name with digits before its last label',
    make: () => path({}, { names: ext.names(dns('7.example'), dns('10.0.0.x1')) }),
  },
]
