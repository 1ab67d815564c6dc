import type { EvidenceSource } from '../attestation/evidence-source.ts'
import { readText } from '../node/files.ts'
import { textEvidence } from './text-evidence.ts'

/** Options of {@link joinToken}. */
export interface JoinTokenOptions {
  /** The name of the attestor, by default `join_token`. */
  readonly attestor?: string | undefined
}

/**
 * Uses a join token: a secret with which one agent can enrol once. `auth4agent attestor create-join-token` makes one.
 * Keep the key of the agent, because another key cannot enrol with the same secret.
 *
 * @param secret the secret, or the file that has it
 * @example
 *
 * ```ts
 * import { createAgent } from '@auth4agent/sdk'
 * import { joinToken } from '@auth4agent/sdk/enrol'
 * import { readKeyFile } from '@auth4agent/sdk/node'
 *
 * const agent = await createAgent({
 *   server: 'https://auth.example.com',
 *   operator: '0b5c9a2e-7f3d-8c1a-9e4b-2d6f8a0c4e6b',
 *   enrol: joinToken({ file: '/run/secrets/join-token' }),
 *   key: await readKeyFile('agent.key'),
 * })
 * ```
 */
export function joinToken(
  secret: string | { readonly file: string },
  { attestor = 'join_token' }: JoinTokenOptions = {},
): EvidenceSource {
  return {
    attestor,
    async evidence() {
      if (typeof secret === 'string') return textEvidence(secret, 'The join token')
      const text = await readText(secret.file)
      if (text === undefined) throw new Error(`There is no file ${secret.file}`)
      return textEvidence(text, secret.file)
    },
  }
}
