import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTpm } from '../../../services/attestation/types/tpm/create-tpm.ts'
import { replayEventLog } from '../../../services/attestation/types/tpm/event-log.ts'
import { importHmacKey } from '../../../services/platform/crypto/hmac.ts'
import { type SoftwareTpm, startSoftwareTpm } from '../../support/software-tpm.ts'
import { eventLog, type LogEvent, secureBootEvent, separator } from '../../support/tpm/event-log.ts'
import { base64, bytesOf, CONTEXT, NONCE } from '../../support/tpm/memory-machine.ts'
import { createTpmAuthority, type TpmAuthority } from '../../support/tpm/tpm-authority.ts'
import {
  activate,
  createEccKeys,
  createKeys,
  createOtherAk,
  measure,
  quote,
  type Scheme,
  type TpmInput,
} from '../../support/tpm/tpm-commands.ts'

const type = createTpm({ challengeKey: importHmacKey(Buffer.alloc(32, 1)) })
const ZERO = '00'.repeat(32)
const EVENTS: readonly LogEvent[] = [
  secureBootEvent(true),
  separator(7),
  { pcr: 4, type: 0x0d, data: Buffer.from('x') },
]
const context = () => ({ ...CONTEXT, now: Date.now() })

describe('evidence of a software TPM', () => {
  let authority: TpmAuthority
  let tpm: SoftwareTpm
  let other: SoftwareTpm

  beforeAll(async () => {
    authority = await createTpmAuthority()
    ;[tpm, other] = await Promise.all([startSoftwareTpm(authority), startSoftwareTpm(authority)])
  })
  afterAll(async () => {
    await Promise.all([tpm.close(), other.close()])
    await authority.close()
  })

  const configOf = (config: object = {}) => type.parseConfig({ ek_roots: [authority.root], ...config })
  const secretOf = async ({ ek_certificate, ek_chain, ek_public, ak_public }: TpmInput, machine = tpm) => {
    const input = bytesOf({ ek_certificate, ek_chain, ek_public, ak_public })
    return activate(machine, (await type.challenge?.(configOf(), input, context())) ?? Buffer.alloc(0))
  }
  const appraise = (evidence: object, config: object = {}) =>
    type.appraise(configOf(config), bytesOf(evidence), context())
  /** Makes keys, activates a credential, and quotes PCRs 0 and 7. */
  const goodEvidence = async (scheme: Scheme = 'rsassa', pcrs: readonly number[] = [0, 7]) => {
    const keys = await createKeys(tpm, authority, scheme)
    return { ...keys, secret: await secretOf(keys), ...(await quote(tpm, { scheme, nonce: NONCE, pcrs })) }
  }

  it.each<Scheme>(['rsassa', 'rsapss', 'ecdsa'])('counts with an attestation key with %s', async (scheme) => {
    const { claims, level } = await appraise(await goodEvidence(scheme), { pcrs: { '0': [ZERO] } })
    expect(level).toBe('hardware')
    expect(claims).toMatchObject({ manufacturer: 'id:00001014', model: 'swtpm', pcr_0: ZERO, pcr_7: ZERO })
    expect(claims['firmware_version']).toMatch(/^[0-9a-f]{16}$/)
    expect(claims['ak_name']).toBe((await tpm.read('ak.name')).toString('hex'))
  })

  it('counts with an endorsement key with P-256', async () => {
    const keys = await createEccKeys(tpm, authority)
    const secret = await secretOf(keys)
    const evidence = { ...keys, secret, ...(await quote(tpm, { scheme: 'ecdsa', nonce: NONCE, pcrs: [0, 7] })) }
    await expect(appraise(evidence)).resolves.toMatchObject({ level: 'hardware' })
  })

  it('says nothing about the firmware if the attestation key is outside of the endorsement hierarchy', async () => {
    const good = await goodEvidence()
    const keys = { ...good, ak_public: await createOtherAk(tpm, { hierarchy: 'o', isRestricted: true }) }
    const quoted = await quote(tpm, { scheme: 'rsassa', nonce: NONCE, pcrs: [0, 7] })
    const evidence = { ...keys, secret: await secretOf(keys), ...quoted }
    const { claims } = await appraise(evidence)
    expect(claims).not.toHaveProperty('firmware_version')
    const version = (await appraise(good)).claims['firmware_version']
    const allowed = { firmware_versions: [version] }
    await expect(appraise(good, allowed)).resolves.toBeDefined()
    await expect(appraise(evidence, allowed)).rejects.toThrow('The TPM must have an allowed firmware version')
  })

  it('is refused when the quote selects no PCR', async () => {
    await expect(appraise(await goodEvidence('rsassa', []))).rejects.toThrow('quote must select at least one PCR')
  })

  it('is refused when the quote is for another nonce', async () => {
    const good = await goodEvidence()
    const nonce = Buffer.alloc(32, 9)
    const replayed = { ...good, ...(await quote(tpm, { scheme: 'rsassa', nonce, pcrs: [0, 7] })) }
    await expect(appraise(replayed)).rejects.toThrow('The qualifying data of the quote must be the nonce')
  })

  it('is refused with an attestation key of another TPM, for which no TPM activates the credential', async () => {
    const good = await goodEvidence()
    const keys = await createKeys(other, authority, 'rsassa')
    const mixed = { ...good, ak_public: keys.ak_public }
    await expect(secretOf(mixed, tpm)).rejects.toThrow('tpm2_activatecredential')
    await expect(secretOf(mixed, other)).rejects.toThrow('tpm2_activatecredential')
    const quoted = await quote(other, { scheme: 'rsassa', nonce: NONCE, pcrs: [0, 7] })
    await expect(appraise({ ...mixed, ...quoted })).rejects.toThrow('secret must be the one of the challenge')
  })

  it('is refused with the secret of another attestation key of the same TPM', async () => {
    const first = await goodEvidence()
    const second = await goodEvidence()
    await expect(appraise({ ...second, secret: first.secret })).rejects.toThrow(
      'secret must be the one of the challenge',
    )
    await expect(appraise(second)).resolves.toMatchObject({ level: 'hardware' })
  })

  it('is refused with an unrestricted key', async () => {
    const good = await goodEvidence()
    const evidence = { ...good, ak_public: await createOtherAk(tpm, { hierarchy: 'e', isRestricted: false }) }
    const quoted = await quote(tpm, { scheme: 'rsassa', nonce: NONCE, pcrs: [0, 7] })
    await expect(secretOf(evidence)).rejects.toThrow('ak_public must be a restricted signing key')
    await expect(appraise({ ...evidence, ...quoted })).rejects.toThrow('ak_public must be a restricted signing key')
  })

  it('is refused when another key has signed the quote', async () => {
    const { signature } = await goodEvidence()
    await expect(appraise({ ...(await goodEvidence()), signature })).rejects.toThrow(
      'must be signed by the attestation key',
    )
  })

  it('is refused with an endorsement key that a foreign authority has certified', async () => {
    const foreign = await createTpmAuthority()
    const evidence = await goodEvidence()
    await expect(appraise(evidence, { ek_roots: [foreign.root] })).rejects.toThrow('ek_certificate: ')
    await foreign.close()
  })

  it('is refused with the certificate of the platform in place of that of the endorsement key', async () => {
    const evidence = await goodEvidence()
    await tpm.run('tpm2_nvread 0x1c08000 -o platform.cert')
    const ek_certificate = base64(await tpm.read('platform.cert'))
    await expect(appraise({ ...evidence, ek_certificate })).rejects.toThrow('extended key usage 2.23.133.8.1')
  })

  it('is refused when a PCR has another value than the attestor allows, until the attestor allows it', async () => {
    const pcrs = { '7': [ZERO] }
    await measure(other, EVENTS)
    const keys = await createKeys(other, authority, 'rsassa')
    const quoted = await quote(other, { scheme: 'rsassa', nonce: NONCE, pcrs: [4, 7] })
    const evidence = { ...keys, secret: await secretOf(keys, other), ...quoted }
    await expect(appraise(evidence, { pcrs })).rejects.toThrow('PCR 7 must have a value that the attestor allows')
    const value = quoted.pcrs.sha256['7'] ?? ''
    await expect(appraise(evidence, { pcrs: { '7': [ZERO, value] } })).resolves.toBeDefined()
    const log = base64(eventLog(EVENTS))
    const { claims } = await appraise({ ...evidence, event_log: log })
    expect(claims).toMatchObject({ secure_boot: true, pcr_7: value })
    const wrong = base64(eventLog(EVENTS.toReversed()))
    await expect(appraise({ ...evidence, event_log: wrong })).rejects.toThrow('must give the quoted value of PCR 7')
  })

  it('replays event logs to the values that tpm2_eventlog gives', async () => {
    await tpm.write('log', eventLog(EVENTS))
    const output = await tpm.run('tpm2_eventlog log')
    for (const pcr of [4, 7]) {
      const value = Buffer.from(replayEventLog(eventLog(EVENTS)).valueOf(pcr)).toString('hex')
      expect(output.replaceAll(/\s+/g, ' ')).toContain(`${pcr} : 0x${value}`)
    }
  })
})
