import { describe } from 'vitest'
import { AgentMoveService } from '../../gen/proto/auth4agent/v1/agent_moves_pb.ts'
import { agentMoveCases } from './cases/agent-moves.ts'
import { authenticationCases } from './cases/authentication.ts'
import { tenantCases } from './cases/tenants.ts'
import { runCases, useWorld } from './support/run-cases.ts'

const world = useWorld()
const isOurs = ({ method }: { method: { parent: unknown } }) => method.parent === AgentMoveService

describe('rules of AgentMoveService', () => runCases(world, agentMoveCases))
describe('assertions to AgentMoveService', () => runCases(world, authenticationCases.filter(isOurs)))
describe('which callers may call AgentMoveService', () => runCases(world, tenantCases.filter(isOurs)))
