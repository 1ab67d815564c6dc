import { grantCases } from './cases/grants.ts'
import { runCases, useWorld } from './support/run-cases.ts'

runCases(useWorld(), grantCases)
