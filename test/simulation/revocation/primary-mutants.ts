import { createCountAnswer } from '../../../services/revocation/count-answers.ts'
import type { Mutant } from './mutants.ts'
import { type Edit, importMutated } from './mutated-source.ts'
import { type Parts, REAL } from './parts.ts'

const counting = (what: string, create: Parts['createCountAnswer']): Mutant => ({
  rule: 'l',
  what,
  parts: () => ({ ...REAL, createCountAnswer: create }),
})
const edited = (what: string, entry: string, edit: Edit): Mutant => ({
  rule: 'l',
  what,
  parts: async () => ({ ...REAL, ...((await importMutated(entry, edit)) as Partial<Parts>) }),
})

/** Mutants of rule l: an answer of the database counts under a lease, or after a later commit of the same server. */
export const PRIMARY_MUTANTS: readonly Mutant[] = [
  counting('the database answers without a lease and without a commit', () => async (asked) => (await asked).answer),
  counting('a commit from before the verification counts', (store) => {
    let earlier: Promise<string> | undefined
    return createCountAnswer({
      confirm() {
        earlier ??= store.confirm().catch((error: unknown) => {
          earlier = undefined
          throw error
        })
        return earlier
      },
    })
  }),
  edited('a commit of another server counts', 'count-answers.ts', {
    file: 'count-answers.ts',
    from: 'checkServer(by, await commit())',
    to: 'await commit()',
  }),
  counting('under a lease, the database answers and memory is not asked again', (store) => {
    const count = createCountAnswer(store)
    return (asked, recall) => count(asked, recall, (_, told) => told)
  }),
  edited('one server renews a lease, and another one reads the head', 'log-follower.ts', {
    file: 'session.ts',
    from: 'if (server !== renewedBy) throw',
    to: 'if (server === undefined) throw',
  }),
  edited('one server names the members, and another one confirms a commit', 'settle.ts', {
    file: 'settle.ts',
    from: 'checkServer(standing, await store.confirm())',
    to: 'await store.confirm()',
  }),
]
