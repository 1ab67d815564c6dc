import { constants, verify, X509Certificate } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openssl } from '../../../../test/support/openssl.ts'
import type { EvidenceRequest } from '../attestation/evidence-source.ts'
import { tpm, x509 } from './index.ts'

const nonce = 'n'.repeat(43)
const request: EvidenceRequest = {
  nonce,
  audience: 'https://auth.example.com/attest/key',
  challenge: new Uint8Array(),
  publicKey: new Uint8Array(32),
  thumbprint: 'key',
  sign: () => Promise.reject(new Error('no signature is needed')),
  fetch: globalThis.fetch,
  signal: new AbortController().signal,
}
const SIGNED = Buffer.from(`auth4agents-x509:${nonce}:key`)

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'auth4agent-x509-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** Makes a key, and a certificate that it signs itself. Returns the paths of both files. */
function made(name: string, algorithm: string) {
  const [certificateFile, keyFile] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)]
  openssl(`req -x509 -nodes -newkey ${algorithm} -keyout ${keyFile} -out ${certificateFile} -subj /CN=${name} -days 1`)
  return { certificateFile, keyFile }
}

async function read(options: Parameters<typeof x509>[0]) {
  const { chain, signature, alg } = JSON.parse(Buffer.from(await x509(options).evidence(request)).toString())
  return {
    certificates: (chain as string[]).map((each) => new X509Certificate(Buffer.from(each, 'base64'))),
    signature: Buffer.from(signature, 'base64'),
    alg,
  }
}

describe('x509', () => {
  const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
  const raw = { dsaEncoding: 'ieee-p1363' } as const
  it.each([
    ['ES256', 'ec -pkeyopt ec_paramgen_curve:P-256', 'sha256', raw],
    ['ES384', 'ec -pkeyopt ec_paramgen_curve:P-384', 'sha384', raw],
    ['EdDSA', 'ed25519', null, {}],
    ['PS256', 'rsa:2048', 'sha256', pss],
  ])('signs the nonce and the key of the agent with %s', async (alg, algorithm, digest, how) => {
    const { certificates, signature, alg: named } = await read(made(alg, algorithm))
    const key = certificates[0]?.publicKey
    expect(named).toBe(alg)
    expect(key && verify(digest, SIGNED, { key, ...how }, signature)).toBe(true)
  })

  it('sends all certificates of the file, the own one first', async () => {
    const [own, issuer] = [made('own', 'ed25519'), made('issuer', 'ed25519')]
    const both = join(folder, 'both.crt')
    await writeFile(both, openssl(`x509 -in ${own.certificateFile}`) + openssl(`x509 -in ${issuer.certificateFile}`))
    const { certificates } = await read({ certificateFile: both, keyFile: own.keyFile })
    expect(certificates.map(({ subject }) => subject)).toEqual(['CN=own', 'CN=issuer'])
  })

  it.each<[string, (files: Parameters<typeof x509>[0]) => Parameters<typeof x509>[0], string]>([
    [
      'a missing certificate',
      (files) => ({ ...files, certificateFile: '/nonexistent.crt' }),
      'There is no file /nonexistent.crt',
    ],
    ['a missing key', (files) => ({ ...files, keyFile: '/nonexistent.key' }), 'There is no file /nonexistent.key'],
    [
      'a key in place of the certificate',
      (files) => ({ ...files, certificateFile: files.keyFile }),
      'has no certificate in PEM',
    ],
    [
      'a certificate in place of the key',
      (files) => ({ ...files, keyFile: files.certificateFile }),
      'contains no private key',
    ],
    [
      'the key of another certificate',
      (files) => ({ ...files, keyFile: made('other', 'ed25519').keyFile }),
      'is not the key of the certificate',
    ],
    [
      'a curve that no type accepts',
      () => made('p521', 'ec -pkeyopt ec_paramgen_curve:P-521'),
      'must be RSA, P-256, P-384 or Ed25519',
    ],
  ])('rejects for %s', async (_, change, why) => {
    await expect(read(change(made('good', 'ed25519')))).rejects.toThrow(why)
  })
})

describe('tpm', () => {
  it.each([[[]], [[24]], [[-1]], [[0.5]]])('throws TypeError for the PCRs %j', (pcrs) =>
    expect(() => tpm({ pcrs })).toThrow('pcrs must be a list of numbers from 0 to 23'),
  )

  it('says which program cannot reach the TPM', async () => {
    const source = tpm({ tcti: `device:${folder}/none`, folder: join(folder, 'tpm') })
    await expect(source.challengeInput?.(request.signal)).rejects.toThrow(/^tpm2_createek failed: /)
  })
})
