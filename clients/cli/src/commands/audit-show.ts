import { isUuid } from '@auth4agent/core/encoding/uuid'
import { jwkThumbprint, readPublicJwk } from '@auth4agent/core/jose/public-jwk'
import type { AuditRecord } from '@auth4agent/sdk'
import { readText } from '@auth4agent/sdk/node'
import { configurationError, usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { operatorFlags } from '../common-flags.ts'
import { type CheckedSignature, checkSignatures, type SignerKey, signedRequestOf, signerKids } from '../evidence.ts'
import { findSigners } from '../find-signers.ts'
import { shown } from '../hidden.ts'
import { configOf } from '../key-set.ts'
import { openOperator } from '../parties.ts'
import { shared } from '../shared-flags.ts'
import { lines, plain } from '../text.ts'
import { writeTime } from '../times.ts'

/** `audit show`: shows one audit record with its evidence. */
export const showAudit = defineCommand({
  help: [
    'Shows an audit record and the request that caused it, as its caller signed it, and verifies the signatures on this machine. The exit code is 1 if a signature is not valid, or if its key is not known.',
    'The command takes the public keys from the folder, from the manifest of keys in force, and from earlier manifests in the audit, so it also verifies the signature of a key that was removed since. `trusted: no` means that no root key that this folder knows has signed that manifest, and that the manifests in the audit do not lead from the first root key to it.',
    'A change by the server itself has no signed request. A body that contained a private key was not kept; its digest was.',
  ],
  examples: [
    {
      does: 'show a record of `auth4agent audit list`',
      line: 'auth4agent audit show 0199f3c0-5c1e-7d3a-9f3e-2b8c1d0e4f5a',
    },
    {
      does: 'who signed it, for a program',
      line: 'auth4agent audit show 0199f3c0-5c1e-7d3a-9f3e-2b8c1d0e4f5a --json | jq .signatures',
    },
  ],
  arguments: [{ name: 'RECORD', help: 'id of the record, as `auth4agent audit list` shows it', required: true }],
  flags: {
    ...operatorFlags,
    jwk: { ...shared.jwk, more: 'of a signer, such as the administrator' },
  },
  async run(context) {
    const { flags, folder, answer, progress } = context
    const id = context.arguments[0] ?? ''
    if (!isUuid(id)) throw usageError(`${shown(id)} is not an id of a record`, '`auth4agent audit list` shows the ids.')
    const given = flags.text('jwk')
    const extra = given === undefined ? undefined : await readJwk(given)
    const operator = await openOperator(context)
    const { record, signed_request: told } = await progress('asking the server', operator.audit.get(id))
    if (told === undefined) {
      answer({ record, signatures: [] }, `${recordText(record)}\n\nno signed request: the server itself did this`, [])
      return 'ok'
    }
    const signed = signedRequestOf(told)
    const { issuer } = operator.prepareRelease()
    const search = { operator, issuer, config: await configOf(folder, operator.id) }
    const known = await progress('finding the keys', findSigners(signerKids(signed), search))
    const keys = extra === undefined ? known : new Map([...known, extra])
    const party = record.actor === 'admin' ? 'admin' : operator.id
    const signatures = checkSignatures(signed, keys, { operatorId: party, issuer })
    const isVerified = signatures.length > 0 && signatures.every(({ isValid }) => isValid)
    const body = bodyText(signed.body)
    const request = lines({ request: signed.rpc, body: body ?? '(not kept)', body_digest: signed.bodyDigest })
    const verdict = isVerified ? 'verified on this machine' : 'not verified'
    answer(
      { record, signed_request: told, verified: isVerified, signatures: signatures.map(jsonOf) },
      [recordText(record), request, ...signatures.map(signatureText), verdict].join('\n\n'),
      signatures.map(({ kid, label, isValid }) => `${isValid ? 'valid' : 'invalid'} ${label} ${kid}`),
    )
    return isVerified ? 'ok' : 'refused'
  },
})

async function readJwk(path: string): Promise<readonly [string, SignerKey]> {
  const jwk = readPublicJwk(parse((await readText(path)) ?? ''))
  if (jwk === undefined || jwk.kty === 'RSA')
    throw configurationError(`${shown(path)} must contain a public JWK of Ed25519 or P-256`)
  return [jwkThumbprint(jwk), { jwk, label: '', source: 'the file of --jwk', isTrusted: true }]
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Returns the body as text, in base64 if it is not text, or undefined if only its digest was kept. */
function bodyText(body: Uint8Array | undefined): string | undefined {
  if (body === undefined) return undefined
  if (body.length === 0) return '(empty)'
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    return `base64 ${Buffer.from(body).toString('base64')}`
  }
}

function recordText({ key_label: key, ...record }: AuditRecord) {
  const { id, at, actor, action, subject, outcome, reason, kid, request_id, trace_id } = record
  return lines({ id, at, action, outcome, actor, key, kid, subject, reason, request_id, trace_id })
}

function signatureText({
  kid,
  label,
  source,
  isTrusted,
  kind,
  isValid,
  signedAt,
  coversBody,
  problem,
}: CheckedSignature) {
  return lines({
    signature: isValid ? `valid, ${kind}` : 'NOT VALID',
    by: label,
    kid,
    'key from': source,
    trusted: source === '' ? '' : isTrusted ? 'yes' : 'no',
    'valid from': signedAt === undefined ? '' : writeTime(signedAt),
    'covers the body': isValid ? (coversBody ? 'yes' : 'no') : '',
    problem: plain(problem),
  })
}

function jsonOf({ kid, label, source, isTrusted, kind, isValid, signedAt, coversBody, problem }: CheckedSignature) {
  return {
    kid,
    label,
    valid: isValid,
    ...(isValid && { kind, covers_body: coversBody, signed_at: writeTime(signedAt ?? 0) }),
    key_from: source,
    trusted: isTrusted,
    ...(problem !== '' && { problem }),
  }
}
