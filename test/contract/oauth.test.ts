import { clientAssertionCases } from './cases/client-assertions.ts'
import { oauthCases } from './cases/oauth.ts'
import { runCases, useWorld } from './support/run-cases.ts'

const world = useWorld()

runCases(world, [...clientAssertionCases, ...oauthCases])
