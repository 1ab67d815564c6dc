import { describe, expect, it } from 'vitest'
import { readProofKey } from '../dpop/proof-key.ts'
import { encodeBase64url } from '../encoding/base64.ts'
import type { OperatorJwk } from '../identity/operator-manifest.ts'
import { signedBytes } from './check-passkey.ts'
import { ecdsaFromDer } from './ecdsa-der.ts'

/** Authentication ceremonies of WebAuthn level 3 section 16. Values in hex. */
interface Vector {
  readonly jwk: OperatorJwk
  readonly authenticatorData: string
  readonly clientDataJson: string
  readonly signature: string
}

const field = (hex: string) => encodeBase64url(Buffer.from(hex, 'hex'))
const VECTORS: Readonly<Record<string, Vector>> = {
  'none.ES256': {
    jwk: {
      kty: 'EC',
      crv: 'P-256',
      x: field('afefa16f97ca9b2d23eb86ccb64098d20db90856062eb249c33a9b672f26df61'),
      y: field('930a56b87a2fca66334b03458abf879717c12cc68ed73290af2e2664796b9220'),
    },
    authenticatorData: 'bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b51900000000',
    clientDataJson:
      '7b2274797065223a22776562617574686e2e676574222c226368616c6c656e6765223a22' +
      '4f63446e55685158756c5455506f334a5558543049393770767a7a59425039745a63685879617630314167' +
      '222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73657d',
    signature:
      '3046022100f50a4e2e4409249c4a853ba361282f09841df4dd4547a13a87780218deffcd38' +
      '0221008480ac0f0b93538174f575bf11a1dd5d78c6e486013f937295ea13653e331e87',
  },
  'apple.ES256': {
    jwk: {
      kty: 'EC',
      crv: 'P-256',
      x: field('8a3d5b1b4c543a706bf6e4b00afedb3c930b690dd286934fe2911f779cc7761a'),
      y: field('f728e1aa3b0ff66692192daa776b83ddf8e3340d2d9a0eabdfc324eb3e2f136c'),
    },
    authenticatorData: 'bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b50900000000',
    clientDataJson:
      '7b2274797065223a22776562617574686e2e676574222c226368616c6c656e6765223a22' +
      '302d73705a4751654a76375149304136637433676b37476353366b416a442d6432445f503030656d625155' +
      '222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73657d',
    signature:
      '3046022100ee35db795ce28044e1f8231d68b3d79a9882f7415aa35c1b5ac74d24251073c8' +
      '022100dcc65691650a412d0ceef843710c09827acf26c7845bddac07eec95863e7fc4c',
  },
  'packed.EdDSA': {
    jwk: {
      kty: 'OKP',
      crv: 'Ed25519',
      x: field('44e06ddd331c36a8dc667bab52bcae63486c916aa5e339e6acebaa84934bf832'),
    },
    authenticatorData: 'bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b50100000000',
    clientDataJson:
      '7b2274797065223a22776562617574686e2e676574222c226368616c6c656e6765223a22' +
      '69566c583442786a4f6d6d44534b4c596f7870557439736e364d48454f7943413135726947514a6e763949' +
      '222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73657d',
    signature:
      'f5c59c7e46c34f6f8cc197101ddf9934fa2595f68eb1913a637e8419eb9ba4cf' +
      'dfc48f85393bc0d40b011f0d6fecb097d6607525713223a0dc0d453993dae00b',
  },
}

describe('the vectors of WebAuthn level 3', () => {
  it.each(Object.entries(VECTORS))('%s: the signature is one over the bytes that are signed', (_name, vector) => {
    const [authenticatorData, clientDataJson, signature] = [
      Buffer.from(vector.authenticatorData, 'hex'),
      Buffer.from(vector.clientDataJson, 'hex'),
      Buffer.from(vector.signature, 'hex'),
    ]
    const isEc = vector.jwk.kty === 'EC'
    const raw = (isEc ? ecdsaFromDer(signature) : signature) ?? new Uint8Array()
    const key = readProofKey(isEc ? 'ES256' : 'EdDSA', { ...vector.jwk })
    const message = signedBytes({ authenticatorData, clientDataJson, signature })
    expect(key?.verify(message, raw)).toBe(true)
    expect(key?.verify(message.subarray(1), raw)).toBe(false)
  })
})
