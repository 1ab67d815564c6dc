import { expect } from 'vitest'
import { sendHttp } from '../../../contract/support/http.ts'
import { assertionOf } from '../../../contract/support/refusal.ts'
import type { OperatorName } from '../../../contract/support/seed.ts'
import type { World } from '../../../contract/support/world.ts'

/** Sets the rules of an operator for its audiences. */
export async function setAudiences(world: World, name: OperatorName, audiences: readonly object[]): Promise<void> {
  const operator = world.operators[name]
  const path = `/v1/operators/${operator.id}/policy`
  const headers = { 'content-type': 'application/json', authorization: assertionOf(operator, `PUT ${path}`) }
  const body = JSON.stringify({ audiences })
  const answer = await sendHttp(world.server.baseUrl, { verb: 'PUT', path, headers, body })
  expect(answer.status, answer.text).toBe(200)
}
