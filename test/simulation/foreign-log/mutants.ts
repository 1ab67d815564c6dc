import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Edit, replaceOnce } from '../revocation/mutated-source.ts'
import { type Parts, REAL } from './parts.ts'

/** A version of the code with one rule broken. */
export interface Mutant {
  readonly what: string
  readonly parts: () => Promise<Parts>
}

const FOLDER = join(import.meta.dirname, '../../../clients/core/src/revocation')

/** Imports the follower with an edit in one of the files of its folder. */
async function importMutated(edit: Edit): Promise<Pick<Parts, 'followRevocations' | 'FeedError'>> {
  const folder = await mkdtemp(join(tmpdir(), 'mutant-'))
  try {
    await cp(FOLDER, folder, { recursive: true })
    for (const file of await readdir(folder)) {
      const source = await readFile(join(folder, file), 'utf8')
      const text = file === edit.file ? replaceOnce(source, edit) : source
      await writeFile(join(folder, file), withAbsoluteImports(text))
    }
    const from = async (file: string): Promise<object> => import(pathToFileURL(join(folder, file)).href)
    const modules = { ...(await from('follower.ts')), ...(await from('feed.ts')) }
    return modules as Pick<Parts, 'followRevocations' | 'FeedError'>
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** Makes the imports of other folders absolute, so that everything else is the real code. */
function withAbsoluteImports(text: string): string {
  const base = pathToFileURL(`${FOLDER}/`)
  return text.replaceAll(/ from '(\.\.[^']*)'/g, (_, path: string) => ` from '${new URL(path, base).href}'`)
}

const edited = (what: string, file: string, from: string, to: string): Mutant => ({
  what,
  parts: async () => ({ ...REAL, ...(await importMutated({ file, from, to })) }),
})

/** One mutant for each rule by which a follower distrusts the log of another deployment. */
export const MUTANTS: readonly Mutant[] = [
  {
    what: 'knowledge of any age says yes',
    parts: async () => ({
      ...REAL,
      checkAtHome: (logs, issuer, token, exp) =>
        REAL.checkAtHome(logs, { ...issuer, maxStalenessMs: Number.MAX_VALUE }, token, exp),
    }),
  },
  edited(
    'a record need not follow the one before',
    'log-session.ts',
    'return record.sequence === applied.sequence + 1 && record.previousHash === applied.hash',
    'return record.sequence > 0',
  ),
  edited(
    'a record need not contain the hash of the one before',
    'log-session.ts',
    ' && record.previousHash === applied.hash',
    '',
  ),
  edited(
    'a record need not have the hash of its content',
    'log-session.ts',
    'if (recordHash(record) !== record.hash)',
    'if (recordHash(record) === undefined)',
  ),
  edited(
    'the head need not be the last record',
    'log-session.ts',
    'if (head.sequence !== applied.sequence || head.hash !== applied.hash)',
    'if (head.sequence < 0)',
  ),
  edited(
    'an old answer of a cache counts as new',
    'heartbeats.ts',
    'if (first === undefined && observedAt <',
    'if (0 >',
  ),
  edited('a clock that was set forward is believed', 'heartbeats.ts', 'if (passed > limit)', 'if (limit < 0)'),
  edited(
    'a log may go back',
    'log-session.ts',
    'if (!isWhole && hasGoneBack(session, head))',
    'if (isWhole && !isWhole)',
  ),
  edited(
    'a log may return to an earlier log epoch',
    'log-session.ts',
    'return head.logEpoch < after.logEpoch || ',
    'return ',
  ),
  edited('a log may become shorter', 'log-session.ts', 'head.sequence < after.sequence || ', ''),
  edited(
    'a log of the same length may be another one',
    'log-session.ts',
    'head.sequence === after.sequence ? head.hash : hashBefore',
    'hashBefore',
  ),
  edited(
    'a longer log may be another one',
    'log-session.ts',
    'head.sequence === after.sequence ? head.hash : hashBefore',
    'head.sequence === after.sequence ? head.hash : undefined',
  ),
]
