import { decodeBase64 } from '@auth4agent/core/encoding/base64'
import { signerKid } from '@auth4agent/core/jose/signer-jwk'
import type { OperatorKeySet } from '@auth4agent/sdk'
import type { OperatorConfig } from '@auth4agent/sdk/node'
import { columns, plain } from './text.ts'
import { writeTime } from './times.ts'

const HEADER = ['', 'LABEL', 'ROLES', 'EXPIRES', 'KID'] as const

/** The keys of an operator, in the parts that people and programs see. */
export type ShownKeys = Pick<OperatorKeySet, 'seq' | 'threshold' | 'rootKeys' | 'keys'>

/** Writes the keys of an operator as a table. A star marks the keys of this folder. */
export function writeKeys({ seq, threshold, rootKeys, keys }: ShownKeys, config: OperatorConfig | undefined): string {
  const own = ownKids(config)
  const star = (kid: string) => (own.has(kid) ? '*' : '')
  const rows = [
    ...rootKeys.map(({ kid, label }) => [star(kid), label, 'root', '', kid]),
    ...keys.map(({ kid, label, roles, exp, ...key }) => {
      const notes = notesOf(key)
      return [star(kid), label, roles.join(','), writeTime(exp), kid, ...(notes === '' ? [] : [`(${notes})`])]
    }),
  ]
  const agree = `${threshold} of ${rootKeys.length} root ${rootKeys.length === 1 ? 'key' : 'keys'}`
  return `manifest: ${seq === 0 ? 'none' : seq}\nthreshold: ${agree}\n\n${columns([HEADER, ...rows])}`
}

/** Says who holds a key, if the manifest names a person, and which passkey it is, if it is one. */
export function notesOf({ webauthn, person }: Pick<ShownKeys['keys'][number], 'webauthn' | 'person'>): string {
  const passkey = webauthn && `passkey ${webauthn.credentialId} for ${webauthn.rpId}`
  return [person && `person ${plain(person)}`, passkey].filter(Boolean).join(', ')
}

/** Returns the keys of an operator as JSON for programs. */
export function jsonOfKeys({ seq, threshold, rootKeys, keys }: ShownKeys) {
  return {
    seq,
    threshold,
    root_keys: rootKeys.map(({ kid, label }) => ({ kid, label })),
    keys: keys.map(({ kid, label, roles, nbf, exp, webauthn, person }) => ({
      kid,
      label,
      roles,
      not_before: writeTime(nbf),
      expires_at: writeTime(exp),
      ...(webauthn && { webauthn: { rp_id: webauthn.rpId, credential_id: webauthn.credentialId } }),
      ...(person !== undefined && { person }),
    })),
  }
}

/** Returns the thumbprints of the keys in a folder. */
function ownKids(config: OperatorConfig | undefined): ReadonlySet<string> {
  const { root_public_key = '', operational_keys = [] } = config ?? {}
  const texts = [root_public_key, ...operational_keys.map(({ public_key }) => public_key)]
  return new Set(texts.flatMap((text) => kidOf(text) ?? []))
}

/** Returns the thumbprint of a public key in base64, or undefined for another text. */
function kidOf(base64: string): string | undefined {
  const publicKey = decodeBase64(base64)
  return publicKey?.length === 32 ? signerKid({ publicKey }) : undefined
}
