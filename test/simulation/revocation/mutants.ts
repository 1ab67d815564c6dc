import type { ChainLookup } from '@auth4agent/core/delegation/chain-lookups'
import { createLogFollower, type LogFollowerDeps } from '../../../services/revocation/log-follower.ts'
import type { LogStanding } from '../../../services/revocation/ports.ts'
import { createSettle, type SettleDeps } from '../../../services/revocation/settle.ts'
import { end, keyOf } from './image.ts'
import { reading, rowAfterHead, ticking, withoutHead, withoutLogEpochs } from './mutated-ports.ts'
import { type Edit, importMutated } from './mutated-source.ts'
import { olderLogFollower, type Parts, REAL } from './parts.ts'

/** A version of the code with one rule broken. */
export interface Mutant {
  /** The letter of the broken rule in services/revocation/README.md. */
  readonly rule: string
  readonly what: string
  readonly parts: () => Parts | Promise<Parts>
}

const verifying = (
  rule: string,
  what: string,
  change: (deps: LogFollowerDeps) => Partial<LogFollowerDeps>,
): Mutant => ({
  rule,
  what,
  parts: () => ({ ...REAL, createLogFollower: (deps) => createLogFollower({ ...deps, ...change(deps) }) }),
})
const settling = (rule: string, what: string, change: (deps: SettleDeps) => Partial<SettleDeps>): Mutant => ({
  rule,
  what,
  parts: () => ({ ...REAL, createSettle: (deps) => createSettle({ ...deps, ...change(deps) }) }),
})
const edited = (rule: string, what: string, edit: Edit): Mutant => ({
  rule,
  what,
  parts: async () => ({
    ...REAL,
    ...((await importMutated('log-follower.ts', edit)) as Pick<Parts, 'createLogFollower'>),
  }),
})

const chains = (what: string, change: (lookups: readonly ChainLookup[]) => readonly ChainLookup[]): Mutant => ({
  rule: 'i',
  what,
  parts: () => ({ ...REAL, lookupsOf: (chain) => change(REAL.lookupsOf(chain)) }),
})

const delegated = (what: string, change: (lookups: readonly ChainLookup[]) => readonly ChainLookup[]): Mutant => ({
  rule: 'i',
  what,
  parts: () => ({ ...REAL, delegatedLookupsOf: (token) => change(REAL.delegatedLookupsOf(token)) }),
})
const trust = (what: string, from: string, to: string): Mutant =>
  edited('j', what, { file: 'log-follower.ts', from, to })
const BASIS = 'state.lookupTrust(basis)'

/** The place of the delegated token itself, after its parties. */
const ownPlace = (lookups: readonly ChainLookup[]) => Math.max(...lookups.map(({ hop }) => hop))

/** At least one mutant for each rule. */
export const MUTANTS: readonly Mutant[] = [
  verifying('a', 'the head is read before the lease row is committed', ({ store }) => ({ store: rowAfterHead(store) })),
  {
    rule: 'b',
    what: 'the members are read before the commit',
    parts: () => ({
      ...REAL,
      async revoke({ commit, deps }) {
        const { members } = await deps.store.standing(0)
        await commit()
        // This mutant does not wait for the standby either. During that wait, the missing member would often catch up.
        const change = (standing: LogStanding) => ({ ...standing, members, isReplicated: false })
        await createSettle({ ...deps, store: reading(deps.store, change) })()
      },
    }),
  },
  settling('b', 'a revocation does not wait for the members', ({ store }) => ({
    store: reading(store, (standing) => ({ ...standing, members: [] })),
  })),
  settling('b', 'a revocation waits only for half of each lease', ({ store }) => ({
    store: reading(store, ({ members, ...standing }) => ({
      ...standing,
      members: members.map((member) => ({ ...member, leaseMs: member.leaseMs / 2 })),
    })),
  })),
  verifying('b', 'an incarnation is only the name of its process', ({ store, newIncarnation }) => ({
    newIncarnation: () => newIncarnation().replace(/\..*/, ''),
    store: {
      ...store,
      async join(incarnation, leaseMs) {
        await store.remove(incarnation)
        return store.join(incarnation, leaseMs)
      },
    },
  })),
  settling('b', 'an acknowledgement counts in every log epoch', withoutLogEpochs),
  edited('c', 'a lease begins when its renewal is answered', {
    file: 'session.ts',
    from: 'session.lease = began',
    to: 'session.lease = { monotonic: clock.monotonic(), wall: clock.wall() }',
  }),
  edited('c', 'a lease lasts 110 %', { file: 'session.ts', from: 'USABLE = 0.9', to: 'USABLE = 1.1' }),
  edited('c', 'a log follower uses its lease to the end instead of stopping at 90 %', {
    file: 'session.ts',
    from: 'USABLE = 0.9',
    to: 'USABLE = 1',
  }),
  edited('c', 'only the monotonic clock ends a lease', {
    file: 'session.ts',
    from: ' &&\n    clock.wall() < lease.wall + USABLE * leaseMs',
    to: '',
  }),
  edited('c', 'only the wall clock ends a lease', {
    file: 'session.ts',
    from: ' &&\n    clock.monotonic() < lease.monotonic + USABLE * leaseMs',
    to: '',
  }),
  verifying('d', 'a renewal takes effect before the head is reached', ({ store }) => ({ store: withoutHead(store) })),
  verifying('e', 'a timer reads the clocks, not each answer', ({ clock }) => ({ clock: ticking(clock) })),
  edited('a', 'a new incarnation keeps its state without comparing the hash', {
    file: 'session.ts',
    from: 'if (found?.sequence !== sequence || found.hash !== hash) return undefined',
    to: `if (found?.sequence !== sequence) return undefined
    last.applied = { ...last.applied, hash: found.hash }`,
  }),
  edited('f', 'memory answers without a lease', {
    file: 'session.ts',
    from: 'lease !== undefined &&',
    to: 'true ||',
  }),
  { rule: 'f', what: 'a standby answers', parts: () => ({ ...REAL, ask: ({ standby }) => standby() }) },
  {
    rule: 'g',
    what: 'a repeated revocation does not wait',
    parts: () => ({
      ...REAL,
      async revoke({ commit, primary, settle }) {
        if ((await primary()).answer) return
        await commit()
        await settle()
      },
    }),
  },
  settling('g', 'a repeated revocation does not wait for the standby', ({ store }) => ({
    store: reading(store, (standing) => ({ ...standing, isReplicated: false })),
  })),
  chains('only the last grant of a chain is looked up', (lookups) => lookups.slice(-1)),
  chains('only the first grant of a chain is looked up', (lookups) => lookups.slice(0, 1)),
  chains('a grant is looked up only under the operator of its holder', (lookups) =>
    lookups.filter(({ hop }, index) => lookups.findIndex((lookup) => lookup.hop === hop) === index),
  ),
  delegated('the lineage of a delegated token is not looked up', (lookups) =>
    lookups.filter(({ hop }) => hop === ownPlace(lookups)),
  ),
  delegated('only the lineage of a delegated token is looked up', (lookups) =>
    lookups.filter(({ hop }) => hop < ownPlace(lookups)),
  ),
  delegated('a delegated token is looked up only under the operator of the agent that acts', (lookups) =>
    lookups.filter(({ hop }, at) => hop < ownPlace(lookups) || lookups[at - 1]?.hop !== hop),
  ),
  delegated('the trust through which an exchanged token was issued is not looked up', (lookups) =>
    lookups.map(({ hop, token: { edges: _edges, home: _home, ...token } }) => ({ hop, token })),
  ),
  chains('the edges of the root of a chain are not looked up', (lookups) =>
    lookups.map(({ hop, token: { edges: _edges, ...token } }) => ({ hop, token })),
  ),
  {
    rule: 'j',
    what: 'an owner stops listing a caller, and the edge ends without a record',
    parts: () => ({
      ...REAL,
      end(image, target, now, keptFor) {
        if (target.kind !== 'edge') return end(image, target, now, keptFor)
        image.ended.set(keyOf(target), now)
        return undefined
      },
    }),
  },
  edited('j', 'a record that ends an edge has no effect', {
    file: 'session.ts',
    from: '!session.state.apply(record)',
    to: "!(record.kind === 'edge' || session.state.apply(record))",
  }),
  trust('the generation of an issuer is not compared', BASIS, 'state.lookupTrust({ ...basis, issuers: [] })'),
  trust(
    'only the first edge of a path is looked up',
    BASIS,
    'state.lookupTrust({ ...basis, edges: basis.edges.slice(0, 1) })',
  ),
  trust('the authors of the edges are not looked up', BASIS, 'state.lookupTrust({ ...basis, authors: [] })'),
  trust('the edges of a token are not looked up', 'state.lookup(token)', 'state.lookup({ ...token, edges: [] })'),
  trust('the home of a token is not looked up', 'state.lookup(token)', 'state.lookup({ ...token, home: undefined })'),
  trust(
    'trust is looked up without a lease',
    `answer((state) => ${BASIS})`,
    "membership.session === undefined ? 'unknown' : membership.session.state.lookupTrust(basis)",
  ),
  {
    rule: 'f',
    what: 'an older version skips a record of a kind that it does not know',
    parts: async () => ({ ...REAL, createOlderLogFollower: await olderLogFollower('true') }),
  },
]
