import { decodeBase64 } from '@auth4agent/core/encoding/base64'
import { readAnswer, type Shape } from '../answers.ts'
import { clientError } from '../errors.ts'
import { payloadOf } from '../issued-token.ts'
import type { Transport } from '../transport.ts'

const answerShape = { statement: 'text', public_key: 'text', expires_at: 'text' } as const satisfies Shape

/** The server's statement about an agent: who it is, and which key it has. */
export interface HolderStatement {
  /** The statement, a JWT, for the grant that the agent gets. */
  readonly statement: string
  /** The agent's identity key, raw. */
  readonly publicKey: Uint8Array
  /** A grant with the statement must not expire later. */
  readonly expiresAt: Date
}

/**
 * Reads the server's statement about an active agent. Verifiers check its signature; this only prevents a grant to
 * another agent. Rejects with UNEXPECTED_ANSWER.
 */
export async function readHolderStatement(
  send: Transport,
  did: string,
  signal?: AbortSignal,
): Promise<HolderStatement> {
  const answer = await send({ method: 'GET', path: `/v1/agent/${did}/holder-statement`, signal })
  const { statement, public_key, expires_at } = readAnswer(answerShape, answer)
  const publicKey = decodeBase64(public_key)
  const expiresAt = new Date(expires_at)
  if (publicKey === undefined || Number.isNaN(expiresAt.getTime()) || payloadOf(statement)?.sub !== did)
    throw clientError('UNEXPECTED_ANSWER', 'The server answered with no statement about this agent')
  return { statement, publicKey, expiresAt }
}
