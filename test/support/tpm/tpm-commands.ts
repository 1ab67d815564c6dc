import type { SoftwareTpm } from '../software-tpm.ts'
import { digestOf, type LogEvent } from './event-log.ts'
import type { TpmAuthority } from './tpm-authority.ts'

/** The scheme of an attestation key, as tpm2-tools name it. */
export type Scheme = 'rsassa' | 'rsapss' | 'ecdsa'

/** The input of a challenge. */
export interface TpmInput {
  readonly ek_certificate: string
  readonly ek_chain: readonly string[]
  readonly ek_public: string
  readonly ak_public: string
}

/** What to quote: the scheme of the attestation key, 32 bytes, and numbers of PCRs in rising order. */
export interface QuoteRequest {
  readonly scheme: Scheme
  readonly nonce: Uint8Array
  readonly pcrs: readonly number[]
}

/** What a quote adds to evidence. */
export interface TpmQuote {
  readonly quote: string
  readonly signature: string
  readonly pcrs: { readonly sha256: Readonly<Record<string, string>> }
}

/** Gets the endorsement key and its certificate, and makes an attestation key, in the file `ak.ctx`. */
export async function createKeys(tpm: SoftwareTpm, authority: TpmAuthority, scheme: Scheme): Promise<TpmInput> {
  await tpm.run('tpm2_nvread 0x1c00002 -o ek.cert')
  await tpm.run('tpm2_createek -c ek.ctx -G rsa -u ek.pub -f tss')
  await createAk(tpm, scheme)
  return input(tpm, authority, await tpm.read('ek.cert'))
}

/** The same as {@link createKeys} with an endorsement key with P-256. */
export async function createEccKeys(tpm: SoftwareTpm, authority: TpmAuthority): Promise<TpmInput> {
  await tpm.run('tpm2_createek -c ek.ctx -G ecc -u ek.pub -f tss')
  await createAk(tpm, 'ecdsa')
  const point = (await tpm.read('ek.pub')).subarray(-68)
  const [x, y] = [point.subarray(2, 34), point.subarray(36)].map((number) => number.toString('hex'))
  return input(tpm, authority, await authority.certifyEcc(x ?? '', y ?? ''))
}

async function createAk(tpm: SoftwareTpm, scheme: Scheme): Promise<void> {
  const algorithm = scheme === 'ecdsa' ? 'ecc' : 'rsa'
  await tpm.run(`tpm2_createak -C ek.ctx -c ak.ctx -G ${algorithm} -g sha256 -s ${scheme} -u ak.pub -f tss -n ak.name`)
}

async function input(tpm: SoftwareTpm, { intermediate }: TpmAuthority, certificate: Uint8Array): Promise<TpmInput> {
  return {
    ek_certificate: base64(certificate),
    ek_chain: [base64(intermediate)],
    ek_public: base64(await tpm.read('ek.pub')),
    ak_public: base64(await tpm.read('ak.pub')),
  }
}

/**
 * Makes a signing key below a primary key of the hierarchy, as an attestation key in place of the last one. An
 * unrestricted one would also sign bytes from outside of the TPM.
 */
export async function createOtherAk(
  tpm: SoftwareTpm,
  { hierarchy, isRestricted }: { readonly hierarchy: 'e' | 'o'; readonly isRestricted: boolean },
): Promise<string> {
  const attributes = `fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign${isRestricted ? '|restricted' : ''}`
  await tpm.run(`tpm2_createprimary -C ${hierarchy} -c primary.ctx`)
  await tpm.run(`tpm2_create -C primary.ctx -G rsa2048:rsassa-sha256:null -a ${attributes} -u ak.pub -r ak.priv`)
  await tpm.run('tpm2_load -C primary.ctx -u ak.pub -r ak.priv -c ak.ctx')
  return base64(await tpm.read('ak.pub'))
}

/** Activates the credential of a challenge's answer. Returns the secret in base64. */
export async function activate(tpm: SoftwareTpm, answer: Uint8Array): Promise<string> {
  const { credential_blob: blob, secret }: Record<string, string> = JSON.parse(Buffer.from(answer).toString())
  const parts = [blob, secret].map((part) => Buffer.from(part ?? '', 'base64'))
  await tpm.write('credential', Buffer.concat([Buffer.from('badcc0de00000001', 'hex'), ...parts]))
  await tpm.run('tpm2_startauthsession --policy-session -S session.ctx')
  try {
    await tpm.run('tpm2_policysecret -S session.ctx -c e')
    await tpm.run('tpm2_activatecredential -c ak.ctx -C ek.ctx -i credential -o secret -P session:session.ctx')
  } finally {
    await tpm.run('tpm2_flushcontext session.ctx')
  }
  return base64(await tpm.read('secret'))
}

/** Measures events into the PCRs, as firmware does. */
export async function measure(tpm: SoftwareTpm, events: readonly LogEvent[]): Promise<void> {
  for (const event of events) {
    await tpm.run(`tpm2_pcrextend ${event.pcr}:sha256=${Buffer.from(digestOf(event)).toString('hex')}`)
  }
}

/** Quotes PCRs of the bank SHA-256 with the attestation key. */
export async function quote(tpm: SoftwareTpm, ask: QuoteRequest): Promise<TpmQuote> {
  const { scheme, nonce, pcrs } = ask
  const data = Buffer.from(nonce).toString('hex')
  const files = '-m quote -s signature -f tss -o pcrs -F values'
  await tpm.run(
    `tpm2_quote -c ak.ctx -l sha256:${pcrs.join(',') || 'none'} -q ${data} --scheme ${scheme} -g sha256 ${files}`,
  )
  const values = await tpm.read('pcrs')
  const entries = pcrs.map((pcr, at) => [pcr, values.subarray(at * 32, at * 32 + 32).toString('hex')])
  return {
    quote: base64(await tpm.read('quote')),
    signature: base64(await tpm.read('signature')),
    pcrs: { sha256: Object.fromEntries(entries) },
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
