import { time } from '../der.ts'
import { DAY_MS, ext, NOW, name } from '../make-certificate.ts'
import { type Link, makeCrl, makeLink } from '../make-chain.ts'
import type { PathCase, PathInput } from './path-case.ts'

/** A leaf under a CA under two roots that have one name and one key, pinned in this order. */
const renewed = (first: Link, second: Link, more: { readonly sends?: 'first' } = {}): PathInput => {
  const [one, other] = [first, second].map((link) => makeLink({ cn: 'root', ...link }, undefined, 0, false))
  if (one === undefined || other === undefined) throw new RangeError('There are two roots')
  const ca = makeLink({}, one, 1, false)
  const leaf = makeLink({}, ca, 2, true)
  const sent = more.sends === 'first' ? [one.der] : []
  return { chain: [leaf.der, ca.der, ...sent], roots: [one.der, other.der] }
}

/** What is wrong with one of the two roots, and what OpenSSL says if that one comes first. The other one is good. */
const FAULTS: readonly (readonly [what: string, fault: Link, openssl?: string])[] = [
  ['expired', { notAfter: time(NOW - DAY_MS / 2) }],
  ['not yet valid', { notBefore: time(NOW + DAY_MS / 2) }],
  ['no CA', { ca: ext.notCa() }, 'invalid CA certificate'],
  ['one that may not sign certificates', { keyUsage: ext.keyUsage(0x80, 7) }, 'invalid CA certificate'],
  ['one that allows no CA below it', { ca: ext.ca(0) }, 'path length constraint exceeded'],
  [
    'one that permits other names',
    { more: [ext.constraints([name.dns('example.com')])] },
    'permitted subtree violation',
  ],
]

/** Paths with several roots of one name and key. */
export const ROOT_CASES: readonly PathCase[] = [
  ...FAULTS.flatMap(([what, fault, openssl]): readonly PathCase[] => {
    const verdict = openssl && {
      openssl,
      because: 'every pinned root is tried, and of several OpenSSL takes the first one that is valid now',
    }
    return [
      { name: `two roots of one key, of which the first is ${what}`, make: () => renewed(fault, {}), ...verdict },
      { name: `two roots of one key, of which the second is ${what}`, make: () => renewed({}, fault) },
      {
        name: `two roots of one key, of which the sent one is ${what}`,
        make: () => renewed(fault, {}, { sends: 'first' }),
        ...verdict,
      },
    ]
  }),
  {
    name: 'two roots of one key, which have both expired',
    make: () => renewed({ notAfter: time(NOW - DAY_MS / 2) }, { notAfter: time(NOW - DAY_MS / 4) }),
    refusal: 'The root must not have expired',
    openssl: 'certificate has expired',
  },
  {
    name: 'two roots of one key, of which the renewed one may not sign CRLs',
    make: () => {
      const made = renewed({}, { keyUsage: ext.keyUsage(0x04, 2), notAfter: time(NOW + 2 * DAY_MS) })
      const root = makeLink({ cn: 'root' }, undefined, 0, false)
      const ca = makeLink({}, root, 1, false)
      return { ...made, crls: [makeCrl(root), makeCrl(ca)] }
    },
  },
]
