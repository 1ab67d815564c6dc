import { join } from 'node:path'
import type { EvidenceSource } from '../attestation/evidence-source.ts'
import { defaultFolder } from '../node/config-folder.ts'
import type { TpmOptions } from './tpm-options.ts'
import type { TpmKeys } from './tpm-tools.ts'

const USUAL_PCRS = [0, 2, 4, 7]
const LAST_PCR = 23

/**
 * Quotes the PCRs of a TPM 2.0 over the nonce, with an attestation key that the TPM proves to have. It runs the
 * programs of tpm2-tools, which must be installed.
 *
 * Throws TypeError for PCRs that do not exist.
 *
 * @example
 *
 * ```ts
 * import { createAgent } from '@auth4agent/sdk'
 * import { tpm } from '@auth4agent/sdk/enrol'
 *
 * const agent = await createAgent({
 *   server: 'https://auth.example.com',
 *   operator: '0b5c9a2e-7f3d-8c1a-9e4b-2d6f8a0c4e6b',
 *   enrol: tpm({ device: '/dev/tpmrm0', pcrs: [0, 7] }),
 * })
 * ```
 */
export function tpm(options: TpmOptions = {}): EvidenceSource {
  const { device = '/dev/tpmrm0', tcti = `device:${device}`, attestor = 'tpm' } = options
  const { folder = join(defaultFolder(), 'tpm'), pcrs = USUAL_PCRS, ...files } = options
  if (pcrs.length === 0 || !pcrs.every((pcr) => Number.isInteger(pcr) && pcr >= 0 && pcr <= LAST_PCR))
    throw new TypeError(`pcrs must be a list of numbers from 0 to ${LAST_PCR}`)
  const order = { ...files, tcti, folder, pcrs: [...new Set(pcrs)].toSorted((a, b) => a - b) }
  let keys: TpmKeys | undefined
  return {
    attestor,
    async challengeInput(signal) {
      const { readTpmKeys } = await import('./tpm-tools.ts')
      keys = await readTpmKeys(order, signal)
      return toBytes(keys)
    },
    async evidence({ nonce, challenge, signal }) {
      if (keys === undefined) throw new Error('The TPM must get a challenge first')
      const { quote } = await import('./tpm-tools.ts')
      return toBytes(await quote(order, { keys, nonce, challenge, signal }))
    },
  }
}

function toBytes(value: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value))
}
