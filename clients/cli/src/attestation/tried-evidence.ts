import { decodeBase64 } from '@auth4agent/core/encoding/base64'
import type { OperatorAttestation, TriedAttestation } from '@auth4agent/sdk'
import { configurationError, usageError } from '../cli-error.ts'
import type { Context } from '../context.ts'
import type { FlagTable } from '../flags.ts'
import { readBodyFile } from '../secrets.ts'
import { shared } from '../shared-flags.ts'

/** Flags that say to which key and nonce evidence is bound. */
export const bindingFlags = {
  'agent-key': shared['agent-key'],
  nonce: { ...shared.nonce, more: 'the one that the evidence answers' },
} as const satisfies FlagTable

const KEY_BYTES = 32
const NAMED = /^(?<attestor>[a-z][a-z0-9_]*)=(?<path>.+)$/s

/** Reads {@link bindingFlags}. Throws CliError. */
export function readBinding({
  flags,
}: Pick<Context<typeof bindingFlags>, 'flags'>): Pick<TriedAttestation, 'publicKey' | 'nonce'> {
  const key = flags.text('agent-key')
  const publicKey = key === undefined ? undefined : decodeBase64(key)
  if (key !== undefined && publicKey?.length !== KEY_BYTES)
    throw usageError(`--agent-key must be base64 of ${KEY_BYTES} bytes`)
  return { publicKey, nonce: flags.text('nonce') }
}

/**
 * Reads the files of evidence: `ATTESTOR=FILE`, or `FILE` for the attestor of --attestor, or else for the only
 * attestor of the operator. Throws CliError.
 */
export async function readEvidence(
  given: readonly string[],
  attestor: string | undefined,
  { attestors }: Pick<OperatorAttestation, 'attestors'>,
  readStdin: () => Promise<string>,
): Promise<TriedAttestation['evidence']> {
  const named = given.map((text) => {
    const { attestor: name, path = text } = NAMED.exec(text)?.groups ?? {}
    return { name, path }
  })
  const unnamed = named.filter(({ name }) => name === undefined)
  if (unnamed.length > 1) throw usageError('--evidence must be ATTESTOR=FILE if there are several')
  const usual = unnamed.length === 0 ? '' : (attestor ?? (await onlyAttestor(attestors)))
  const all = []
  for (const { name = usual, path } of named)
    all.push({ attestor: name, evidence: await readEvidenceFile(path, readStdin) })
  return all
}

/** Reads a file of evidence. Throws CliError. */
export async function readEvidenceFile(path: string, readStdin: () => Promise<string>): Promise<Uint8Array> {
  const bytes = path === '-' ? Buffer.from(await readStdin()) : Buffer.from(await readBodyFile(path))
  const text = bytes.toString('latin1')
  // Editors end a text with a new line. In binary evidence, the same byte belongs to the evidence.
  const evidence = /^[\t\n\r\x20-\x7e]*$/.test(text) ? Buffer.from(text.trim(), 'latin1') : bytes
  if (evidence.length === 0) throw configurationError('The evidence is empty')
  return evidence
}

async function onlyAttestor(list: OperatorAttestation['attestors']): Promise<string> {
  const [first, ...others] = await list()
  if (first !== undefined && others.length === 0) return first.name
  const names =
    first === undefined ? 'There is none' : `There are ${[first, ...others].map(({ name }) => name).join(', ')}`
  throw usageError(`--attestor NAME is missing. ${names}.`, 'Or write --evidence ATTESTOR=FILE.')
}
