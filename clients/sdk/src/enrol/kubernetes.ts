import type { EvidenceSource } from '../attestation/evidence-source.ts'
import { readText } from '../node/files.ts'
import { textEvidence } from './text-evidence.ts'

/** Options of {@link kubernetes}. */
export interface KubernetesOptions {
  /** The file of the projected token. By default /var/run/secrets/tokens/auth4agent. */
  readonly tokenFile?: string | undefined
  /** The name of the attestor, by default `kubernetes`. */
  readonly attestor?: string | undefined
}

const TOKEN_FILE = '/var/run/secrets/tokens/auth4agent'

/**
 * Uses the service account token that Kubernetes projects into a pod. It reads the file each time, because the kubelet
 * replaces the token. The pod's volume names the audience, which the attestor must expect.
 *
 * @example
 *
 * ```ts
 * import { createAgent } from '@auth4agent/sdk'
 * import { kubernetes } from '@auth4agent/sdk/enrol'
 *
 * const agent = await createAgent({
 *   server: 'https://auth.example.com',
 *   operator: '0b5c9a2e-7f3d-8c1a-9e4b-2d6f8a0c4e6b',
 *   enrol: kubernetes({ tokenFile: '/var/run/secrets/tokens/auth4agent' }),
 *   scopes: ['orders:read'],
 * })
 * ```
 */
export function kubernetes(options: KubernetesOptions = {}): EvidenceSource {
  const { tokenFile = TOKEN_FILE, attestor = 'kubernetes' } = options
  return {
    attestor,
    async evidence() {
      const text = await readText(tokenFile)
      if (text === undefined) throw new Error(`There is no file ${tokenFile}`)
      return textEvidence(text, tokenFile)
    },
  }
}
