import { envelopeCases } from './cases/envelope.ts'
import { runCases, useWorld } from './support/run-cases.ts'

runCases(useWorld(), envelopeCases)
