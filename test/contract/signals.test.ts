import { describe } from 'vitest'
import { SignalService } from '../../gen/proto/auth4agent/v1/signals_pb.ts'
import { authenticationCases } from './cases/authentication.ts'
import { signalCases } from './cases/signals.ts'
import { tenantCases } from './cases/tenants.ts'
import { runCases, useWorld } from './support/run-cases.ts'

const world = useWorld()
const isOurs = ({ method }: { method: { parent: unknown } }) => method.parent === SignalService

describe('rules of SignalService', () => runCases(world, signalCases))
describe('assertions to SignalService', () => runCases(world, authenticationCases.filter(isOurs)))
describe('which callers may call SignalService', () => runCases(world, tenantCases.filter(isOurs)))
