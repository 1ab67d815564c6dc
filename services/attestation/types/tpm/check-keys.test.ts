import { describe, expect, it } from 'vitest'
import { time } from '../../../../test/support/attestation/der.ts'
import { NOW } from '../../../../test/support/attestation/make-certificate.ts'
import { publicArea } from '../../../../test/support/tpm/encode.ts'
import { createMemoryAuthority, ekExtensions } from '../../../../test/support/tpm/memory-authority.ts'
import {
  AUTHORITY,
  base64,
  bytesOf,
  CONTEXT,
  inputOf,
  type Machine,
  machineOf,
  quoteMembers,
} from '../../../../test/support/tpm/memory-machine.ts'
import {
  AES_128_CFB,
  AK_ATTRIBUTES,
  ECDSA,
  EK_ATTRIBUTES,
  eccPair,
  RSASSA,
  SHA256,
} from '../../../../test/support/tpm/memory-tpm.ts'
import { importHmacKey } from '../../../platform/crypto/hmac.ts'
import { createTpm } from './create-tpm.ts'

const type = createTpm({ challengeKey: importHmacKey(new Uint8Array(32)) })
const CONFIG = type.parseConfig({ ek_roots: [AUTHORITY.root] })
const FOREIGN = createMemoryAuthority('other authority')
const OTHER = eccPair()
const GOOD = machineOf()
const AK = GOOD.ak.publicKey
const EK = GOOD.ek.publicKey

const ek = (fields: object) => ({
  ekArea: publicArea({ key: EK, attributes: EK_ATTRIBUTES, symmetric: AES_128_CFB, ...fields }),
})
const ak = (fields: object) => ({
  akArea: publicArea({ key: AK, attributes: AK_ATTRIBUTES, scheme: [ECDSA, SHA256], ...fields }),
})
const certified = (contents: object) => ({ certificate: AUTHORITY.certify(EK, contents) })

describe('the keys of a TPM', () => {
  it.each<[string, Partial<Machine>]>([
    ['an AK that is lost when the TPM restarts', ak({ attributes: AK_ATTRIBUTES | 0x04 })],
    ['an AK without protection against guessing', ak({ attributes: AK_ATTRIBUTES | 0x400 })],
    ['an EK with an authorization value', ek({ attributes: EK_ATTRIBUTES | 0x40 })],
  ])('are accepted with %s', async (_name, parts) => {
    await expect(type.challenge?.(CONFIG, bytesOf(inputOf(machineOf(parts))), CONTEXT)).resolves.toBeDefined()
  })

  it.each<[string, Partial<Machine>, string]>([
    [
      'a certificate of a foreign root',
      { certificate: FOREIGN.certify(EK) },
      'must end with a certificate that names a pinned root',
    ],
    [
      'a certificate for a platform',
      certified({ extensions: ekExtensions(EK, '2.23.133.8.2') }),
      'extended key usage 2.23.133.8.1',
    ],
    ['a certificate that has expired', certified({ notAfter: time(NOW - 1000) }), 'must not have expired'],
    ['a certificate that is no DER', { certificate: Buffer.from('x') }, 'ek_certificate: must be strict DER'],
    [
      'a certificate of another key',
      { certificate: AUTHORITY.certify(OTHER.publicKey) },
      'ek_public must be the key of ek_certificate',
    ],
    ['an EK that is not restricted', ek({ attributes: 0x000200b2 }), 'ek_public must be a restricted decryption key'],
    ['an EK that signs', ek({ attributes: 0x000500b2 }), 'ek_public must be a restricted decryption key'],
    ['an EK that can leave its TPM', ek({ attributes: 0x000300b0 }), 'ek_public must be a restricted decryption key'],
    ['an EK without AES', ek({ symmetric: [0x0026, 128, 0x0043] }), 'ek_public must protect secrets with AES-128-CFB'],
    ['an EK with AES-256', ek({ symmetric: [0x0006, 256, 0x0043] }), 'ek_public must protect secrets with AES-128-CFB'],
    [
      'an EK with another mode',
      ek({ symmetric: [0x0006, 128, 0x0042] }),
      'ek_public must protect secrets with AES-128-CFB',
    ],
    [
      'an EK with a scheme',
      ek({ scheme: [ECDSA, SHA256] }),
      'ek_public must protect secrets with AES-128-CFB and have no scheme',
    ],
    ['an AK that is not restricted', ak({ attributes: 0x00040072 }), 'ak_public must be a restricted signing key'],
    ['an AK that decrypts', ak({ attributes: 0x00070072 }), 'ak_public must be a restricted signing key'],
    ['an AK that does not sign', ak({ attributes: 0x00010072 }), 'ak_public must be a restricted signing key'],
    [
      'an AK that can move to another TPM',
      ak({ attributes: 0x00050070 }),
      'ak_public must be a restricted signing key',
    ],
    [
      'an AK that can move to another parent',
      ak({ attributes: 0x00050062 }),
      'ak_public must be a restricted signing key',
    ],
    ['an AK that was made outside', ak({ attributes: 0x00050052 }), 'ak_public must be a restricted signing key'],
    ['an AK without userWithAuth', ak({ attributes: 0x00050032 }), 'ak_public must be a restricted signing key'],
    ['an AK with unknown attributes', ak({ attributes: 0x80050072 }), 'ak_public must be a restricted signing key'],
    ['an AK that signs X.509', ak({ attributes: 0x000d0072 }), 'ak_public must be a restricted signing key'],
    ['an AK without a scheme', ak({ scheme: [0x0010] }), 'ak_public must have the scheme RSASSA, RSAPSS or ECDSA'],
    ['an AK with SHA-1', ak({ scheme: [ECDSA, 0x0004] }), 'ak_public must have the scheme'],
    ['an AK with a scheme for RSA', ak({ scheme: [RSASSA, SHA256] }), 'ak_public must have the scheme'],
    ['an AK with a symmetric algorithm', ak({ symmetric: AES_128_CFB }), 'ak_public must have no symmetric algorithm'],
    [
      'an AK that only a policy administers',
      ak({ attributes: AK_ATTRIBUTES | 0x80 }),
      'ak_public must be a restricted signing key',
    ],
  ])('are refused with %s, for a challenge and as evidence', async (_name, parts, message) => {
    const machine = machineOf(parts)
    await expect(type.challenge?.(CONFIG, bytesOf(inputOf(machine)), CONTEXT)).rejects.toThrow(message)
    const evidence = bytesOf({ ...inputOf(machine), secret: base64(Buffer.alloc(32)), ...quoteMembers(machine) })
    await expect(type.appraise(CONFIG, evidence, CONTEXT)).rejects.toThrow(message)
  })
})
