/**
 * Writes the protocol's test vectors into this folder (`npm run vectors`). All keys and times are fixed, so a second
 * run changes nothing. A test creates the vectors again and compares them with the files.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeAssertions } from './make/assertions.ts'
import { makeChallenges } from './make/challenges.ts'
import { makeClientAssertions } from './make/client-assertions.ts'
import { makeDelegatedTokens } from './make/delegated-tokens.ts'
import { makeDidDocuments } from './make/did-documents.ts'
import { makeDids } from './make/dids.ts'
import { makeDpopProofs } from './make/dpop-proofs.ts'
import { makeGrants } from './make/grants.ts'
import { makeKeyEvents } from './make/key-events.ts'
import { makeKeys } from './make/keys.ts'
import { makeLog } from './make/log.ts'
import { makeOperators } from './make/operators.ts'
import { makeStatusLists } from './make/status-lists.ts'
import { makeTokens } from './make/tokens.ts'
import { makeTrustStatements } from './make/trust-statements.ts'
import { makeTxtRecords } from './make/txt-records.ts'

const FOLDER = import.meta.dirname

/** Returns the text of each file of vectors, by the name of the file. */
export async function makeVectors(): Promise<Readonly<Record<string, string>>> {
  const files = {
    'assertions.json': await makeAssertions(),
    'challenges.json': makeChallenges(),
    'client-assertions.json': await makeClientAssertions(),
    'delegated-tokens.json': await makeDelegatedTokens(),
    'did-documents.json': makeDidDocuments(),
    'dids.json': makeDids(),
    'dpop-proofs.json': await makeDpopProofs(),
    'grants.json': await makeGrants(),
    'key-events.json': makeKeyEvents(committedEvents()),
    'keys.json': makeKeys(),
    'log.json': makeLog(),
    'operators.json': makeOperators(),
    'status-lists.json': await makeStatusLists(),
    'tokens.json': await makeTokens(committedTokens()),
    'trust-statements.json': await makeTrustStatements(),
    'txt-records.json': makeTxtRecords(),
  }
  const texts = Object.entries(files).map(([name, content]) => [name, `${JSON.stringify(content, null, 1)}\n`])
  return Object.fromEntries(texts)
}

/** Returns the tokens of the committed file, or an empty list if the file does not exist yet. */
function committedTokens(): readonly string[] {
  try {
    const { cases }: { cases: { token?: string }[] } = JSON.parse(readFileSync(join(FOLDER, 'tokens.json'), 'utf8'))
    return cases.flatMap(({ token = [] }) => token)
  } catch {
    return []
  }
}

/** Returns the events of the committed file, or an empty list if the file does not exist yet. */
function committedEvents(): readonly string[] {
  try {
    const { accepted, refused }: Readonly<Record<'accepted' | 'refused', readonly { events: string[] }[]>> = JSON.parse(
      readFileSync(join(FOLDER, 'key-events.json'), 'utf8'),
    )
    return [...accepted, ...refused].flatMap(({ events }) => events)
  } catch {
    return []
  }
}

/** Writes the vectors into this folder. */
export async function writeVectors(): Promise<void> {
  for (const [name, text] of Object.entries(await makeVectors())) writeFileSync(join(FOLDER, name), text)
}
