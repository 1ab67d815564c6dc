import { describe } from 'vitest'
import { AgentKeyService } from '../../gen/proto/auth4agent/v1/agent_keys_pb.ts'
import { agentKeyCases } from './cases/agent-keys.ts'
import { authenticationCases } from './cases/authentication.ts'
import { tenantCases } from './cases/tenants.ts'
import { runCases, useWorld } from './support/run-cases.ts'

const world = useWorld()
const isOurs = ({ method }: { method: { parent: unknown } }) => method.parent === AgentKeyService

describe('rules of AgentKeyService', () => runCases(world, agentKeyCases))
describe('assertions to AgentKeyService', () => runCases(world, authenticationCases.filter(isOurs)))
describe('which callers may call AgentKeyService', () => runCases(world, tenantCases.filter(isOurs)))
