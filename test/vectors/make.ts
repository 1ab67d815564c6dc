/**
 * `npm run vectors`: writes the protocol's test vectors. `npm run vectors -- previous <commit>`: archives the version
 * before this one, for the tests that run both beside each other. Run it at a release, with the commit of the release.
 */
import { makePrevious } from './make-previous.ts'
import { writeVectors } from './protocol/make.ts'

const [, , what, commit] = process.argv
if (what === 'previous' && commit !== undefined) makePrevious(commit)
else if (what === undefined) await writeVectors()
else {
  process.stderr.write('Usage: npm run vectors [-- previous <commit>]\n')
  process.exitCode = 1
}
