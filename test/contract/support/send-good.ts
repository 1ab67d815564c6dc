import { randomUUID } from 'node:crypto'
import type { DescMethod, JsonObject } from '@bufbuild/protobuf'
import { type Answered, type CaseAnswer, type RefusalCase, sendCase, type Transport } from './refusal.ts'
import type { World } from './world.ts'

/** A call that a test expects to be answered, or about which it does not know yet. */
export interface Asked extends Pick<RefusalCase, 'caller' | 'proof' | 'headers'> {
  readonly method: DescMethod
  readonly request: JsonObject
}

/** Makes a call over any transport. */
export function sendGood(world: World, transport: Transport, { request, ...asked }: Asked): Promise<CaseAnswer> {
  const sent: RefusalCase = { name: '', reason: 'INTERNAL', request: () => request, ...asked }
  return sendCase(world, sent, transport, { request, requestId: randomUUID() })
}

/** Returns the claims of a JWT without verifying it. */
export function claimsOf(jwt: unknown): Answered {
  return JSON.parse(Buffer.from(String(jwt).split('.')[1] ?? '', 'base64url').toString()) as Answered
}
