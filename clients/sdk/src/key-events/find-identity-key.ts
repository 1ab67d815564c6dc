import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import { readAnswer } from '../answers.ts'
import * as answers from '../operator-answers.ts'
import type { Server } from '../server.ts'
import type { AgentSigner } from '../signer.ts'

/** Asks the server which of some keys is the identity key of an agent. Resolves with undefined if none of them is. */
export async function findIdentityKey(
  { transport }: Server,
  did: string,
  keys: readonly AgentSigner[],
): Promise<AgentSigner | undefined> {
  const agent = readAnswer(answers.agent, await transport({ method: 'GET', path: `/v1/agent/${did}` }))
  return keys.find(({ publicKey }) => encodeBase64(publicKey) === agent.agent_public_key)
}
