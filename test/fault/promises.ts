import { Client } from 'pg'
import { expect } from 'vitest'
import { outcomeOf, type ProtocolClient, type TokenBody } from '../support/protocol-client.ts'
import { expectStatus } from '../support/story.ts'
import type { Told } from './load.ts'

/** Expects that every answer that a load got before and after a fault is still true. */
export async function expectPromisesKept(client: ProtocolClient, databaseUrl: string, told: Told): Promise<void> {
  const verdicts = async (tokens: readonly string[]) =>
    Promise.all(tokens.map(async (token) => expectStatus(200, await client.verify(token))))
  for (const { valid, reason } of await verdicts(told.revoked))
    expect({ valid, reason }).toEqual({ valid: false, reason: 'TOKEN_REVOKED' })
  for (const { valid } of await verdicts(told.ended)) expect(valid).toBe(false)

  const redeemed = await redeemedIds(databaseUrl)
  expect(told.issued.filter(({ jti }) => !redeemed.has(jti))).toEqual([])
  const again = await Promise.all(told.issued.map(({ body }) => redeem(client, body)))
  expect(new Set(again)).toEqual(new Set(['409 CHALLENGE_USED']))
}

/** Redeems unanswered challenges twice more. Only the first attempt may succeed. */
export async function expectAtMostOnce(client: ProtocolClient, bodies: readonly TokenBody[]): Promise<void> {
  for (const body of bodies) {
    expect(['200 OK', '409 CHALLENGE_USED']).toContain(await redeem(client, body))
    expect(await redeem(client, body)).toBe('409 CHALLENGE_USED')
  }
}

const redeem = async (client: ProtocolClient, body: TokenBody) => outcomeOf(await client.token(body))

async function redeemedIds(url: string): Promise<ReadonlySet<string>> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<{ jti: string }>('SELECT jti FROM redemptions')
    return new Set(rows.map(({ jti }) => jti))
  } finally {
    await client.end()
  }
}
