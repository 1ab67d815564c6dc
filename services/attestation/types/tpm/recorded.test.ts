import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { base64, bytesOf, CONTEXT } from '../../../../test/support/tpm/memory-machine.ts'
import { importHmacKey } from '../../../platform/crypto/hmac.ts'
import { type Appraisal, RefusedEvidence } from '../attestor-type.ts'
import { createTpm } from './create-tpm.ts'
import eccEk from './vectors/ecc-ek.json' with { type: 'json' }
import ecdsa from './vectors/ecdsa.json' with { type: 'json' }
import rsapss from './vectors/rsapss.json' with { type: 'json' }
import rsassa from './vectors/rsassa.json' with { type: 'json' }

const type = createTpm({ challengeKey: importHmacKey(Buffer.from(rsassa.challenge_key, 'hex')) })
const appraise = ({ now, config, evidence }: typeof rsassa, changed: object = {}): Promise<Appraisal> =>
  type.appraise(type.parseConfig(config), bytesOf({ ...evidence, ...changed }), { ...CONTEXT, now })
/** Returns the error of changed evidence; undefined if it was accepted. */
const refusalOf = (vector: typeof rsassa, changed: object): Promise<unknown> =>
  appraise(vector, changed).then(
    () => undefined,
    (error: unknown) => error,
  )

describe.each([
  ['an RSA key with RSASSA', rsassa],
  ['an RSA key with RSAPSS', rsapss],
  ['an ECC key', ecdsa],
  ['an ECC key below an endorsement key with P-256', eccEk],
])('evidence of a TPM, by %s', (_name, vector) => {
  it('counts, with its claims', async () => {
    await expect(appraise(vector)).resolves.toMatchObject({ level: 'hardware', claims: vector.claims, uses: [] })
  })

  it.each(['quote', 'signature', 'ak_public', 'ek_public', 'ek_certificate', 'secret'] as const)(
    'is refused after every change of the member %s',
    async (member) => {
      const bytes = Buffer.from(vector.evidence[member], 'base64')
      const change = fc.record({ at: fc.nat(bytes.length - 1), xor: fc.integer({ min: 1, max: 255 }) })
      await fc.assert(
        fc.asyncProperty(change, async ({ at, xor }) => {
          const changed = Buffer.from(bytes)
          changed[at] = (changed[at] ?? 0) ^ xor
          expect(await refusalOf(vector, { [member]: base64(changed) })).toBeInstanceOf(RefusedEvidence)
        }),
        { numRuns: 40 },
      )
    },
  )

  it.each(['quote', 'signature', 'ak_public', 'ek_public', 'ek_certificate', 'secret', 'event_log'] as const)(
    'is refused when the member %s is longer or shorter',
    async (member) => {
      const bytes = Buffer.from(vector.evidence[member], 'base64')
      const lengths = [1, 2, bytes.length >> 1, bytes.length - 2, bytes.length - 1]
      const changes = [...lengths.map((length) => bytes.subarray(0, length)), Buffer.concat([bytes, Buffer.of(0)])]
      for (const changed of changes) {
        expect(await refusalOf(vector, { [member]: base64(changed) })).toBeInstanceOf(RefusedEvidence)
      }
    },
  )

  it('is refused with other values of PCRs, and with the keys of other evidence', async () => {
    const [pcr0, pcr4] = [vector.claims.pcr_0, vector.claims.pcr_4]
    const other = vector === rsassa ? rsapss.evidence : rsassa.evidence
    const changes = [
      { pcrs: { sha256: { ...vector.evidence.pcrs.sha256, '0': pcr4, '4': pcr0 } } },
      { pcrs: { sha256: { ...vector.evidence.pcrs.sha256, '1': pcr4 } } },
      { ak_public: other.ak_public },
      { quote: other.quote },
      { quote: other.quote, signature: other.signature },
      { secret: other.secret },
    ]
    for (const changed of changes) expect(await refusalOf(vector, changed)).toBeInstanceOf(RefusedEvidence)
  })
})

it('arbitrary texts in place of members are refused, and never fail otherwise', async () => {
  const members = fc.constantFrom(...Object.keys(rsassa.evidence))
  await fc.assert(
    fc.asyncProperty(members, fc.jsonValue(), async (member, value) => {
      expect(await refusalOf(rsassa, { [member]: value })).toBeInstanceOf(RefusedEvidence)
    }),
    { numRuns: 300 },
  )
})
