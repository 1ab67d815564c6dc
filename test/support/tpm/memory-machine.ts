import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import type { JsonObject } from '@auth4agent/core/encoding/strict-json'
import type { AppraisalContext, AttestorType } from '../../../services/attestation/types/attestor-type.ts'
import { NOW } from '../attestation/make-certificate.ts'
import { type QuoteFields, quoteOf, sized } from './encode.ts'
import { createMemoryAuthority } from './memory-authority.ts'
import {
  activateCredential,
  akArea,
  ENDORSEMENT,
  eccPair,
  ekArea,
  type KeyPair,
  nameOf,
  sha256,
  signQuote,
} from './memory-tpm.ts'

/** A machine whose TPM is in memory, so it can also do what a TPM refuses. */
export interface Machine {
  readonly ek: KeyPair
  readonly ak: KeyPair
  /** TPMT_PUBLIC */
  readonly ekArea: Buffer
  readonly akArea: Buffer
  /** DER of the certificate of the endorsement key. */
  readonly certificate: Uint8Array
  /** The values of PCRs in hexadecimal. */
  readonly pcrs: Readonly<Record<string, string>>
  /** Fields of the quote that are not the right ones. */
  readonly quote: Partial<QuoteFields>
  readonly sign: (quote: Buffer) => Buffer
}

export const NONCE = Buffer.from('nonce of thirty-two bytes, exact')
export const AUTHORITY = createMemoryAuthority('TPM authority')
export const CONTEXT: AppraisalContext = {
  binding: {
    publicKey: new Uint8Array(32),
    thumbprint: 'A'.repeat(43),
    audience: 'https://auth.example/attest/x',
    nonce: { bytes: NONCE, text: encodeBase64url(NONCE) },
  },
  issuer: 'https://auth.example',
  attestorId: 'attestor-1',
  now: NOW,
  skewMs: 1_000,
}

const EK = eccPair()
const AK = eccPair()
const PCRS = { '0': 'a0'.repeat(32), '7': 'a7'.repeat(32) }

/** Makes a good machine, except for the parts that are given. */
export function machineOf(parts: Partial<Machine> = {}): Machine {
  const { ek = EK, ak = AK } = parts
  const areas = { ekArea: ekArea(ek.publicKey), akArea: akArea(ak.publicKey) }
  const certificate = parts.certificate ?? AUTHORITY.certify(ek.publicKey)
  return { ek, ak, ...areas, pcrs: PCRS, quote: {}, sign: (bytes) => signQuote(bytes, ak), ...parts, certificate }
}

/** The input of a challenge. */
export function inputOf({ certificate, ekArea, akArea }: Machine): JsonObject {
  return { ek_certificate: base64(certificate), ek_public: base64(sized(ekArea)), ak_public: base64(sized(akArea)) }
}

/** Asks for a challenge, and returns the secret in base64. */
export async function answerOf<C>(type: AttestorType<C>, config: C, machine: Machine, context = CONTEXT) {
  const answer = await type.challenge?.(config, bytesOf(inputOf(machine)), context)
  const { credential_blob: blob, secret }: Record<string, string> = JSON.parse(Buffer.from(answer ?? '').toString())
  const parts = [blob, secret].map((part) => Buffer.from(part ?? '', 'base64'))
  const [id = Buffer.alloc(0), seed = Buffer.alloc(0)] = parts
  return base64(activateCredential(machine.ek, nameOf(machine.akArea), id, seed))
}

/** The members that a quote adds to evidence. */
export function quoteMembers(machine: Machine): JsonObject {
  const pcrs = Object.entries(machine.pcrs)
  const signer = nameOf(nameOf(ENDORSEMENT, nameOf(machine.ekArea)), nameOf(machine.akArea))
  const quote = quoteOf({
    signer,
    extraData: NONCE,
    pcrs: pcrs.map(([pcr]) => Number(pcr)),
    pcrDigest: sha256(...pcrs.map(([, value]) => Buffer.from(value, 'hex'))),
    ...machine.quote,
  })
  return { quote: base64(quote), signature: base64(machine.sign(quote)), pcrs: { sha256: machine.pcrs } }
}

export function bytesOf(json: object): Buffer {
  return Buffer.from(JSON.stringify(json))
}

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
