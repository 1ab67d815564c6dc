import { randomUUID } from 'node:crypto'
import { sha256Text } from '@auth4agent/core/encoding/sha256'
import type { Client } from 'pg'
import type { SealDeps } from '../../services/keys/index.ts'
import { sealCode } from '../../services/people/authorize/code.ts'
import type { BenchConsents } from './contenders/enrol-users.ts'
import type { CountRows } from './count-rows.ts'
import { postAll } from './load/post-all.ts'
import { cycle } from './supply.ts'
import { form } from './supply-oauth.ts'

/** Creates the requests of a client that acts for users, before a measurement. */

/** The users of this server, and what seals their codes. */
export interface BenchUsers {
  readonly consents: BenchConsents
  readonly seals: SealDeps
  /** The connection to which each body belongs. */
  readonly connections: Map<string, string>
}

const FORM_TYPE = 'application/x-www-form-urlencoded'
const VERIFIER = 'v'.repeat(43)
/** A code of the server lives for a minute. These live longer, because they are made before a measurement. */
const CODE_SECONDS = 300

/** Returns requests with a code each, as the page of consent would give it. The users take turns. */
export async function codeBodies({ consents, seals, connections }: BenchUsers, count: number): Promise<string[]> {
  const nowS = Math.floor(Date.now() / 1000)
  const { clientId, redirectUri, clientEdge, audience } = consents
  const rest = { grant_type: 'authorization_code', client_id: clientId, redirect_uri: redirectUri, resource: audience }
  const bodies = cycle(consents.ids, count).map(async (consentId) => {
    const id = randomUUID()
    const code = await sealCode(seals, {
      id,
      consentId,
      scopes: ['read'],
      clientEdge,
      vouchedAtS: nowS,
      redirectUri: sha256Text(redirectUri, 'base64url'),
      codeChallenge: sha256Text(VERIFIER, 'base64url'),
      jkt: '',
      exp: nowS + CODE_SECONDS,
    })
    const body = form({ ...rest, code, code_verifier: VERIFIER })
    connections.set(body, id)
    return body
  })
  return Promise.all(bodies)
}

/** Returns requests with the first refresh token of a connection each. */
export async function refreshBodies(http: string, users: BenchUsers, count: number): Promise<string[]> {
  const codes = await codeBodies(users, count)
  return (await redeem(http, codes)).map(({ refresh_token: refreshToken }, index) => {
    const body = form({ grant_type: 'refresh_token', client_id: users.consents.clientId, refresh_token: refreshToken })
    users.connections.set(body, users.connections.get(codes[index] ?? '') ?? '')
    return body
  })
}

/** Returns verifications of fresh tokens for users, as a service asks for them. */
export async function userVerifications(http: string, users: BenchUsers, count: number): Promise<string[]> {
  const wanted = { audience: [users.consents.audience], scope: 'read', delegation: 'accept' }
  const answers = await redeem(http, await codeBodies(users, count))
  return answers.map(({ access_token: token }) => JSON.stringify({ token, ...wanted }))
}

async function redeem(http: string, bodies: readonly string[]) {
  const answers = await postAll({ url: `${http}/oauth/token`, contentType: FORM_TYPE, bodies })
  return answers.map(({ body }): { access_token: string; refresh_token: string } => JSON.parse(body))
}

/** Counts connections that have given this many refresh tokens or more: 0 right after the code. */
export function connectionsAt(n: number): CountRows {
  return async ({ db, users }, bodies) => [
    await countConnections(
      db,
      n,
      bodies.map((body) => users.connections.get(body)),
    ),
  ]
}

async function countConnections(db: Client, n: number, ids: readonly (string | undefined)[]): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    'SELECT count(*)::int AS count FROM connections WHERE id = ANY ($1::uuid[]) AND n >= $2',
    [ids, n],
  )
  return rows[0]?.count ?? 0
}
