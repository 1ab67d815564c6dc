import { describe, expect, it } from 'vitest'
import { distinguishedName } from '../../../../test/support/attestation/der.ts'
import { DAY_MS, NOW, name } from '../../../../test/support/attestation/make-certificate.ts'
import { publicArea } from '../../../../test/support/tpm/encode.ts'
import {
  digestOf,
  eventLog,
  type LogEvent,
  secureBootEvent,
  separator,
} from '../../../../test/support/tpm/event-log.ts'
import { ekExtensions } from '../../../../test/support/tpm/memory-authority.ts'
import {
  AUTHORITY,
  answerOf,
  base64,
  bytesOf,
  CONTEXT,
  inputOf,
  type Machine,
  machineOf,
  quoteMembers,
} from '../../../../test/support/tpm/memory-machine.ts'
import {
  AK_ATTRIBUTES,
  ECDSA,
  ENDORSEMENT,
  eccPair,
  ekArea,
  nameOf,
  RSAPSS,
  RSASSA,
  rsaPair,
  SHA256,
  sha256,
  signQuote,
  signRsa,
} from '../../../../test/support/tpm/memory-tpm.ts'
import { importHmacKey } from '../../../platform/crypto/hmac.ts'
import { createTpm } from './create-tpm.ts'

const type = createTpm({ challengeKey: importHmacKey(new Uint8Array(32).fill(1)) })
const GOOD_CONFIG = { ek_roots: [AUTHORITY.root], pcrs: { '7': ['a7'.repeat(32)] }, required_pcrs: [0] }
const CONFIG = type.parseConfig(GOOD_CONFIG)
const GOOD = machineOf()
const SECRET = await answerOf(type, CONFIG, GOOD)
const OTHER = eccPair()
const EK = GOOD.ek.publicKey

const evidenceOf = (machine: Machine, members: object = {}) =>
  bytesOf({ ...inputOf(machine), secret: SECRET, ...quoteMembers(machine), ...members })
const appraise = (machine: Machine, members: object = {}, config: object = {}, context: object = {}) =>
  type.appraise(type.parseConfig({ ...GOOD_CONFIG, ...config }), evidenceOf(machine, members), {
    ...CONTEXT,
    ...context,
  })
const extend = (event: LogEvent) => sha256(Buffer.alloc(32), digestOf(event))
const logOf = (...logged: readonly LogEvent[]) => ({ event_log: base64(eventLog(logged)) })

describe('createTpm', () => {
  it('returns claims about the TPM, its keys and the quoted PCRs', async () => {
    const { claims, ...others } = await appraise(GOOD)
    expect(claims).toEqual({
      ek_fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
      ak_name: nameOf(GOOD.akArea).toString('hex'),
      manufacturer: 'id:494E5443',
      model: 'Model 1',
      firmware_version: '0123456789abcdef',
      pcr_0: 'a0'.repeat(32),
      pcr_7: 'a7'.repeat(32),
    })
    expect(others).toEqual({ level: 'hardware', expiresAt: NOW + DAY_MS + 1_000, uses: [] })
  })

  it('accepts an endorsement key with RSA', async () => {
    const pair = rsaPair()
    const machine = machineOf({ ek: pair })
    const secret = await answerOf(type, CONFIG, machine)
    await expect(appraise(machine, { secret })).resolves.toMatchObject({ level: 'hardware' })
  })

  it('omits the firmware version that a TPM obscures, and refuses it if the version matters', async () => {
    const outside = machineOf({
      quote: { signer: nameOf(nameOf(Buffer.from('40000001', 'hex')), nameOf(GOOD.akArea)) },
    })
    const primary = machineOf({ quote: { signer: nameOf(ENDORSEMENT, nameOf(GOOD.akArea)) } })
    const allowed = { firmware_versions: ['0123456789abcdef'] }
    expect((await appraise(outside)).claims).not.toHaveProperty('firmware_version')
    expect((await appraise(primary, {}, allowed)).claims).toHaveProperty('firmware_version', '0123456789abcdef')
    await expect(appraise(outside, {}, allowed)).rejects.toThrow('The TPM must have an allowed firmware version')
    await expect(appraise(GOOD, {}, { firmware_versions: ['0123456789abcdee'] })).rejects.toThrow('allowed firmware')
  })

  it.each([
    ['too long', [['2.23.133.2.1', 'x'.repeat(257)]]],
    ['empty', [['2.23.133.2.1', '']]],
    ['not printable', [['2.23.133.2.1', 'id:\0']]],
    [
      'not alone',
      [
        ['2.23.133.2.1', 'id:1'],
        ['2.23.133.2.1', 'id:2'],
      ],
    ],
    ['missing', [['2.23.133.2.3', 'id:1']]],
  ] as const)('omits the name of the manufacturer if it is %s', async (_name, attributes) => {
    const device = [name.directory(distinguishedName(...attributes))]
    const extensions = ekExtensions(EK, undefined, device)
    const { claims } = await appraise(machineOf({ certificate: AUTHORITY.certify(EK, { extensions }) }))
    expect(claims).not.toHaveProperty('manufacturer')
  })

  it.each<[string, Partial<Machine>, string]>([
    [
      'a quote by another key',
      { sign: (quote) => signQuote(quote, OTHER) },
      'The quote must be signed by the attestation key',
    ],
    [
      'a quote with the name of another algorithm',
      { sign: (quote) => signQuote(quote, GOOD.ak, RSASSA) },
      'signature must not have',
    ],
    [
      'a quote with another hash',
      { sign: (quote) => signQuote(quote, GOOD.ak, ECDSA, 0x0004) },
      'signature must use SHA-256',
    ],
    [
      'a quote for another nonce',
      { quote: { extraData: Buffer.alloc(32) } },
      'The qualifying data of the quote must be the nonce',
    ],
    [
      'a quote for a part of the nonce',
      { quote: { extraData: Buffer.alloc(0) } },
      'The qualifying data of the quote must be',
    ],
    [
      'a quote of another digest',
      { quote: { pcrDigest: Buffer.alloc(32) } },
      'pcrs must have the values that are quoted',
    ],
    [
      'a quote of an empty digest',
      { quote: { pcrDigest: Buffer.alloc(0) } },
      'pcrs must have the values that are quoted',
    ],
    [
      'a quote of fewer PCRs',
      { quote: { pcrs: [7] } },
      'pcrs must have the values of exactly the PCRs that are quoted',
    ],
    [
      'a quote of more PCRs',
      { quote: { pcrs: [0, 4, 7] } },
      'pcrs must have the values of exactly the PCRs that are quoted',
    ],
    ['a quote of no PCR', { quote: { pcrs: [] }, pcrs: {} }, 'quote must select at least one PCR'],
    ['a quote without a required PCR', { pcrs: { '7': 'a7'.repeat(32) } }, 'The quote must contain PCR 0'],
    ['a quote without a PCR of the policy', { pcrs: { '0': 'a0'.repeat(32) } }, 'The quote must contain PCR 7'],
    [
      'a wrong PCR',
      { pcrs: { '0': 'a0'.repeat(32), '7': 'b7'.repeat(32) } },
      'PCR 7 must have a value that the attestor allows',
    ],
    [
      'the value of a PCR that is not quoted in place of one that is',
      { quote: { pcrs: [4, 7] } },
      'pcrs must have the values of exactly the PCRs that are quoted',
    ],
  ])('refuses %s', async (_name, parts, message) => {
    await expect(appraise(machineOf(parts))).rejects.toThrow(message)
  })

  it('refuses the secret of another key, nonce, agent or server, and none', async () => {
    const { binding } = CONTEXT
    const contexts = [
      { ...CONTEXT, binding: { ...binding, thumbprint: 'B'.repeat(43) } },
      { ...CONTEXT, binding: { ...binding, nonce: { bytes: Buffer.alloc(32), text: '' } } },
    ]
    const stranger = createTpm({ challengeKey: importHmacKey(new Uint8Array(32)) })
    const secrets = [
      ...(await Promise.all(contexts.map((context) => answerOf(type, CONFIG, GOOD, context)))),
      await answerOf(type, CONFIG, machineOf({ ak: OTHER })),
      await answerOf(type, CONFIG, machineOf({ ek: OTHER })),
      await answerOf(stranger, CONFIG, GOOD),
      SECRET.slice(0, 20),
    ]
    for (const secret of secrets) await expect(appraise(GOOD, { secret })).rejects.toThrow('secret must be the one of')
    await expect(appraise(GOOD, { secret: undefined })).rejects.toThrow('secret must be bytes in base64')
    await expect(appraise(GOOD)).resolves.toMatchObject({ level: 'hardware' })
  })

  it('needs a nonce', async () => {
    const context = { ...CONTEXT, binding: { ...CONTEXT.binding, nonce: undefined } }
    await expect(type.challenge?.(CONFIG, bytesOf(inputOf(GOOD)), context)).rejects.toThrow('needs a nonce')
    await expect(type.appraise(CONFIG, evidenceOf(GOOD), context)).rejects.toThrow('needs a nonce')
  })

  it('makes a credential that the TPM of another endorsement key cannot decrypt', async () => {
    const thief = machineOf({ ek: OTHER, certificate: AUTHORITY.certify(EK), ekArea: ekArea(EK) })
    await expect(answerOf(type, CONFIG, thief)).rejects.toThrow('The credential is for another key')
  })

  it('refuses a signature with another algorithm than that of the attestation key', async () => {
    const pair = rsaPair()
    const area = publicArea({ key: pair.publicKey, attributes: AK_ATTRIBUTES, scheme: [RSASSA, SHA256] })
    const machine = (algorithm: number) =>
      machineOf({ ak: pair, akArea: area, sign: (quote) => signRsa(quote, pair, algorithm) })
    const secret = await answerOf(type, CONFIG, machine(RSASSA))
    await expect(appraise(machine(RSASSA), { secret })).resolves.toMatchObject({ level: 'hardware' })
    await expect(appraise(machine(RSAPSS), { secret })).rejects.toThrow('with the algorithm of that key')
  })

  it('replays an event log, and knows by it whether Secure Boot was on', async () => {
    const events = [secureBootEvent(true), separator(7), separator(0), separator(3)]
    const pcr7 = sha256(extend(secureBootEvent(true)), digestOf(separator(7))).toString('hex')
    const pcr0 = extend(separator(0)).toString('hex')
    const machine = machineOf({ pcrs: { '0': pcr0, '7': pcr7 } })
    const config = { pcrs: { '7': [pcr7] } }
    expect((await appraise(machine, logOf(...events), config)).claims).toHaveProperty('secure_boot', true)
    expect((await appraise(machine, {}, config)).claims).not.toHaveProperty('secure_boot')
    const less = logOf(...events.slice(1))
    await expect(appraise(machine, less, config)).rejects.toThrow('must give the quoted value of PCR 7')
    const more = logOf(...events, separator(0))
    await expect(appraise(machine, more, config)).rejects.toThrow('must give the quoted value of PCR 0')
    const alone = machineOf({ pcrs: { '0': pcr0 } })
    const { claims } = await appraise(alone, logOf(...events), { pcrs: undefined })
    expect(claims).not.toHaveProperty('secure_boot')
  })
})
