import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTpm } from '../../../services/attestation/types/tpm/create-tpm.ts'
import { importHmacKey } from '../../../services/platform/crypto/hmac.ts'
import { startSoftwareTpm } from '../software-tpm.ts'
import { eventLog, secureBootEvent, separator } from './event-log.ts'
import { base64, bytesOf, CONTEXT, NONCE } from './memory-machine.ts'
import { createTpmAuthority } from './tpm-authority.ts'
import { activate, createEccKeys, createKeys, measure, quote, type Scheme } from './tpm-commands.ts'

/**
 * Records evidence of a software TPM, so that tests with it need no TPM: `node test/support/tpm/record-vectors.ts`.
 * The nonce and the key of the agent are those of `CONTEXT`.
 */

const FOLDER = join(import.meta.dirname, '../../../services/attestation/types/tpm/vectors')
const CHALLENGE_KEY = Buffer.alloc(32, 1)
const PCRS = [0, 4, 7]
const EVENTS = [
  { pcr: 0, type: 8, data: Buffer.from('firmware 1') },
  secureBootEvent(true),
  ...PCRS.map(separator),
  { pcr: 4, type: 0x8000_0003, data: Buffer.from('path of a boot loader'), digest: Buffer.alloc(32, 4) },
]

const type = createTpm({ challengeKey: importHmacKey(CHALLENGE_KEY) })
const authority = await createTpmAuthority()
const tpm = await startSoftwareTpm(authority)
await mkdir(FOLDER, { recursive: true })
await measure(tpm, EVENTS)
for (const name of ['rsassa', 'rsapss', 'ecdsa', 'ecc-ek']) await record(name)
await tpm.close()
await authority.close()

async function record(name: string): Promise<void> {
  const scheme: Scheme = name === 'rsassa' || name === 'rsapss' ? name : 'ecdsa'
  const keys = name === 'ecc-ek' ? await createEccKeys(tpm, authority) : await createKeys(tpm, authority, scheme)
  const json = { ek_roots: [authority.root], required_pcrs: PCRS }
  const config = type.parseConfig(json)
  const now = Date.now()
  const context = { ...CONTEXT, now }
  const answer = await type.challenge?.(config, bytesOf(keys), context)
  const secret = await activate(tpm, answer ?? Buffer.alloc(0))
  const quoted = await quote(tpm, { scheme, nonce: NONCE, pcrs: PCRS })
  const evidence = { ...keys, secret, ...quoted, event_log: base64(eventLog(EVENTS)) }
  const { claims } = await type.appraise(config, bytesOf(evidence), context)
  const vector = { challenge_key: CHALLENGE_KEY.toString('hex'), now, config: json, evidence, claims }
  await writeFile(join(FOLDER, `${name}.json`), `${JSON.stringify(vector, undefined, 2)}\n`)
}
