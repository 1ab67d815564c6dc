import { sign as cryptoSign, randomUUID } from 'node:crypto'
import { formatUuid } from '@auth4agent/core/encoding/uuid'
import type { AgentParty } from '../support/parties.ts'
import { INTROSPECTOR, type Peer, RESOURCE } from './contenders/peer.ts'
import { postAll } from './load/post-all.ts'

/** Creates the bodies of loads before a measurement, so that the measurement includes only the work of the server. */

const JSON_TYPE = 'application/json'
const FORM_TYPE = 'application/x-www-form-urlencoded'
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const ASSERTION_SECONDS = 600

/** Gets challenges for the agents in turn and signs them. Returns bodies of POST /v1/token. */
export async function tokenBodies(http: string, agents: readonly AgentParty[], count: number): Promise<string[]> {
  const askers = cycle(agents, count)
  const bodies = askers.map(({ did }) => JSON.stringify({ did }))
  const answers = await postAll({ url: `${http}/v1/challenge`, contentType: JSON_TYPE, bodies })
  return answers.map(({ body }, index) => {
    const { challenge, nonce }: { challenge: string; nonce: string } = JSON.parse(body)
    const agent = askers[index]
    if (agent === undefined) throw new RangeError('Each answer must belong to an agent')
    const signature = agent.sign(challenge, nonce).toString('base64')
    return JSON.stringify({ did: agent.did, challenge, nonce, signature, scope: 'read' })
  })
}

/** Returns the database id of the challenge that a body of POST /v1/token redeems. */
export function challengeIdOf(body: string | Buffer): string {
  const { nonce }: { nonce: string } = JSON.parse(String(body))
  return formatUuid(Buffer.from(nonce, 'base64url'))
}

/** Issues fresh tokens. */
export async function issueTokens(http: string, agents: readonly AgentParty[], count: number): Promise<string[]> {
  const bodies = await tokenBodies(http, agents, count)
  const answers = await postAll({ url: `${http}/v1/token`, contentType: JSON_TYPE, bodies })
  return answers.map(({ body }) => JSON.parse(body).token)
}

/** Returns requests of client_credentials by private_key_jwt, each with its own assertion. */
export function peerTokenBodies({ http, clients }: Peer, count: number, format: 'jwt' | 'opaque'): string[] {
  const header = encode({ alg: 'EdDSA' })
  const now = Math.floor(Date.now() / 1000)
  return cycle(clients, count).map(({ id, privateKey }) => {
    const claims = { iss: id, sub: id, aud: http, iat: now, exp: now + ASSERTION_SECONDS, jti: randomUUID() }
    const input = `${header}.${encode(claims)}`
    const signature = cryptoSign(null, Buffer.from(input), privateKey).toString('base64url')
    return new URLSearchParams({
      grant_type: 'client_credentials',
      scope: 'read',
      ...(format === 'jwt' && { resource: RESOURCE }),
      client_assertion_type: ASSERTION_TYPE,
      client_assertion: `${input}.${signature}`,
    }).toString()
  })
}

/** Returns introspections of fresh opaque tokens, because the peer introspects no JWTs. */
export async function introspectionBodies(peer: Peer, count: number): Promise<string[]> {
  const bodies = peerTokenBodies(peer, count, 'opaque')
  const answers = await postAll({ url: `${peer.http}/token`, contentType: FORM_TYPE, bodies })
  return answers.map(({ body }) =>
    new URLSearchParams({
      token: JSON.parse(body).access_token,
      client_id: INTROSPECTOR.id,
      client_secret: INTROSPECTOR.secret,
    }).toString(),
  )
}

function cycle<T>(all: readonly T[], count: number): T[] {
  return Array.from({ length: Math.ceil(count / all.length) }, () => all)
    .flat()
    .slice(0, count)
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
