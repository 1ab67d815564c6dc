import { randomUUID } from 'node:crypto'
import { AuthnService } from '../../../gen/proto/auth4agent/v1/authn_pb.ts'
import { until } from '../../support/until.ts'
import { sendHttp } from './http.ts'
import { restRequest } from './rest-request.ts'
import type { World } from './world.ts'

/** Revokes a token in the database, and waits until the server knows it. A call would also write to the audit. */
export async function endToken(world: World, operatorId: string, jti: string): Promise<void> {
  await insert(world, operatorId, jti)
  await untilKnown(world)
}

/**
 * Waits until the server knows everything that the database has ended so far. A call waits by itself. The server reads
 * the log in order, so it knows all earlier records when it refuses a token that is revoked last.
 */
export async function untilKnown(world: World): Promise<void> {
  const jti = randomUUID()
  await insert(world, world.operators.acme.id, jti)
  const request = restRequest(AuthnService.method.verifyToken, { token: world.token({ jti }) })
  await until(
    async () => JSON.parse((await sendHttp(world.server.baseUrl, request)).text) as { readonly valid?: boolean },
    ({ valid }) => valid === false,
  )
}

async function insert({ db }: World, operatorId: string, jti: string): Promise<void> {
  const expiresAt = new Date(Date.now() + 3_600_000)
  await db.prisma.revokedToken.create({ data: { operatorId, jti, expiresAt } })
}
