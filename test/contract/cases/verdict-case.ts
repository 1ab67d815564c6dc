import type { GrantReason } from '@auth4agent/core/delegation/refusal'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import type { JsonObject } from '@bufbuild/protobuf'
import type { World } from '../support/world.ts'

/** A token or a chain that is not valid, with its verdict. */
export interface VerdictCase {
  readonly name: string
  readonly verdict: Verdict | GrantReason
  /** The place of the grant to which the verdict applies. */
  readonly hop?: number
  readonly token: (world: World) => string | Promise<string>
  /** The requirements in the request. */
  readonly wanted?: JsonObject
  /** Returns the fields about the DPoP proof that came with the token. */
  readonly proof?: (token: string, world: World) => JsonObject | Promise<JsonObject>
}

/** Builds the request of a case. */
export async function verdictRequest({ token, wanted, proof }: VerdictCase, world: World): Promise<JsonObject> {
  const text = await token(world)
  return { token: text, ...wanted, ...(await proof?.(text, world)) }
}
