import { inflateSync } from 'node:zlib'
import { create } from '@bufbuild/protobuf'
import { createLocalJWKSet, type JWTPayload, jwtVerify } from 'jose'
import { GetStatusListRequestSchema } from '../../gen/proto/auth4agent/v1/status_lists_pb.ts'
import { ISSUER, type TestInstance } from './authn.ts'
import type { TestDatabase } from './database.ts'
import { anonymous } from './identity.ts'

/** A place in a list, as a token contains it. */
export interface Place {
  readonly idx: number
  readonly uri: string
}

/** Returns the place that a token has. Throws if it has none. */
export function placeOf(token: string): Place {
  const payload: { status?: { status_list?: Place } } = JSON.parse(
    Buffer.from(token.split('.')[1] ?? '', 'base64url').toString(),
  )
  if (payload.status?.status_list === undefined) throw new Error('The token has no place in a status list')
  return payload.status.status_list
}

/** Gets a list from an instance, by its URL. */
export function getList({ statusLists }: Pick<TestInstance, 'statusLists'>, uri: string) {
  const id = uri.slice(`${ISSUER}/v1/status-lists/`.length)
  return statusLists.module.handlers.getStatusList(create(GetStatusListRequestSchema, { id }), anonymous())
}

/** Verifies a list with the keys of the instance, as a service with a library of others does. */
export async function verifyList(
  { jwks }: Pick<TestInstance, 'jwks'>,
  list: string,
): Promise<{ readonly alg: string; readonly payload: JWTPayload & { readonly ttl?: unknown }; readonly bits: Buffer }> {
  const { keys = [] } = await jwks()
  const found = createLocalJWKSet({ keys: keys.map((key) => Object.assign({ kty: '' }, key)) })
  const { payload, protectedHeader } = await jwtVerify(list, found, { typ: 'statuslist+jwt', issuer: ISSUER })
  const { lst } = Object(payload['status_list']) as { readonly lst: string }
  return { alg: protectedHeader.alg, payload, bits: inflateSync(Buffer.from(lst, 'base64url')) }
}

/** Returns the status of a token in a new copy of its list. */
export async function statusOf(instance: TestInstance, token: string): Promise<number> {
  const { idx, uri } = placeOf(token)
  // The list is made again.
  instance.clock.monotonicOffsetMs += 60_000
  const { token: list = '' } = await getList(instance, uri)
  const { payload, bits } = await verifyList(instance, list)
  if (payload.sub !== uri) throw new Error(`The list is ${payload.sub}, and not ${uri}`)
  return ((bits[Math.floor(idx / 4)] ?? 0) >> ((idx % 4) * 2)) & 3
}

/** Makes an audience demand that its tokens have places in status lists. */
export async function demandLists(
  { db }: Pick<TestDatabase, 'db'>,
  operatorId: string,
  audience: string,
  more: { readonly callers?: string[]; readonly tokenSigningAlg?: string } = {},
): Promise<void> {
  const data = { operatorId, audience, callers: ['*'], tokenStatus: 'status_list', ...more }
  await db.prisma.operatorAudience.create({ data })
}
