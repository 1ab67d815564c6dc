import type { Chained } from './chained-bearers.ts'
import type { Mutant } from './mutants.ts'
import { type Parts, REAL } from './parts.ts'

type Logs = Parameters<Parts['checkChained']>[0]

const logs = (what: string, change: (logs: Logs) => Logs): Mutant => ({
  rule: 'k',
  what,
  parts: () => ({ ...REAL, checkChained: (known, token) => REAL.checkChained(change(known), token) }),
})
const tokens = (what: string, change: (token: Chained) => Chained): Mutant => ({
  rule: 'k',
  what,
  parts: () => ({ ...REAL, checkChained: (known, token) => REAL.checkChained(known, change(token)) }),
})
const homes = (what: string, change: (home: Chained['claims']['home']) => Partial<Chained['claims']['home']>) =>
  tokens(what, ({ claims, ...token }) => ({
    ...token,
    claims: { ...claims, home: { ...claims.home, ...change(claims.home) } },
  }))
const nothing = () => undefined

/** Mutants of rule k: a token for a grant of another deployment is checked in both logs. */
export const HOME_MUTANTS: readonly Mutant[] = [
  logs('only the log of this deployment is asked', ({ own, home }) => ({
    own,
    home: { ...home, lookup: nothing, lookupTrust: nothing },
  })),
  logs('only the log of the home is asked', ({ home }) => ({
    own: { check: async () => undefined, checkTrust: async () => undefined },
    home,
  })),
  logs('the path of statements is not looked up here', ({ own, home }) => ({
    own: { ...own, checkTrust: async () => undefined },
    home,
  })),
  logs('the log of the home may be of any age', ({ own, home }) => ({ own, home: { ...home, ageMs: () => 0 } })),
  logs('the generation of the home is not compared', ({ own, home }) => ({
    own: {
      check: ({ home: _home, ...token }) => own.check(token),
      checkTrust: (basis) => own.checkTrust({ ...basis, issuers: [] }),
    },
    home,
  })),
  homes('the statement that allowed the grant is not looked up at home', () => ({ edge: 'another edge' })),
  homes('only the first key of the home is looked up', ({ kids }) => ({ kids: kids.slice(0, 1) })),
  homes('only the last key of the home is looked up', ({ kids }) => ({ kids: kids.slice(-1) })),
  homes('the token at home is not looked up', () => ({ jti: 'another token' })),
  homes('the epochs at home are not compared', () => ({ epoch: [1_000, 1_000] })),
]
