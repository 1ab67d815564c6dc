import { attestedTokenCases } from './cases/attested-tokens.ts'
import { runCases, useWorld } from './support/run-cases.ts'

runCases(useWorld(), attestedTokenCases)
