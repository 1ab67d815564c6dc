import { authnCases } from './cases/authn.ts'
import { runCases, useWorld } from './support/run-cases.ts'

runCases(useWorld(), authnCases)
