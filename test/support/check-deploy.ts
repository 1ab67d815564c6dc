/** Checks deploy/ without running any of it (`npm run check:deploy`): schemas, and that what names something names what is there. */
import { readCheckout } from './deploy/files.ts'
import { deployProblems } from './deploy/problems.ts'

const problems = await deployProblems(readCheckout)
process.stderr.write(problems.map((problem) => `${problem}\n`).join(''))
if (problems.length > 0) process.exitCode = 1
