import { describe, it } from 'vitest'
import { OperatorKeyService } from '../../gen/proto/auth4agent/v1/operator_keys_pb.ts'
import { authenticationCases } from './cases/authentication.ts'
import { allowedWhileFrozen, operatorKeyCases } from './cases/operator-keys.ts'
import { tenantCases } from './cases/tenants.ts'
import { runCases, useWorld } from './support/run-cases.ts'
import { sendGood } from './support/send-good.ts'

const world = useWorld()
const isOurs = ({ method }: { method: { parent: unknown } }) => method.parent === OperatorKeyService

describe('rules of OperatorKeyService and of operators’ keys', () => runCases(world, operatorKeyCases))
describe('assertions to OperatorKeyService', () => runCases(world, authenticationCases.filter(isOurs)))
describe('which callers may call OperatorKeyService', () => runCases(world, tenantCases.filter(isOurs)))

describe('a frozen operator', () => {
  it.each(allowedWhileFrozen)('may call $name', async ({ reason, asked }) => {
    for (const transport of ['rest', 'grpc'] as const) {
      const answer = await sendGood(world(), transport, { ...asked, request: asked.request(world()) })
      if (reason === undefined) answer.expectAnswered()
      else answer.expectReason(reason)
    }
  })
})
