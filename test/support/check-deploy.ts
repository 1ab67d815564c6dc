/**
 * `npm run check:deploy`: checks deploy/ without running any of it. Checks the files against their schemas, and that
 * every name in these files exists.
 */
import { readCheckout } from './deploy/files.ts'
import { deployProblems } from './deploy/problems.ts'

const problems = await deployProblems(readCheckout)
process.stderr.write(problems.map((problem) => `${problem}\n`).join(''))
if (problems.length > 0) process.exitCode = 1
