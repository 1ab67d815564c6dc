import { decodeBase64url, encodeBase64 } from '@auth4agent/core/encoding/base64'
import { sha256Text } from '@auth4agent/core/encoding/sha256'
import { jwkThumbprint } from '@auth4agent/core/jose/public-jwk'
import type { NewOperatorKeys, Operator, OperatorKeySet } from '@auth4agent/sdk'
import { type OperatorConfig, readOperatorConfig, updateOperatorConfig, writeText } from '@auth4agent/sdk/node'
import { CliError, usageError } from './cli-error.ts'
import { operatorFlags } from './common-flags.ts'
import type { Context } from './context.ts'
import { jsonOfKeys, type ShownKeys, writeKeys } from './key-table.ts'
import { manifestIn } from './manifest-in.ts'
import { approvalLines } from './next-line.ts'
import { openRoot } from './parties.ts'
import { writeRequest } from './request-file.ts'
import { plain } from './text.ts'

/** Flags of commands that need the keys in force. */
export const rootFlags = {
  ...operatorFlags,
  trust: {
    kind: 'text',
    value: 'KID',
    help: 'trust a manifest that this unknown root key has signed; compare the thumbprint with its holder first',
  },
} as const

/** Flags of every command that signs a manifest of keys. */
export const keySetFlags = {
  ...rootFlags,
  prepare: {
    kind: 'text',
    value: 'FILE',
    help: 'send nothing, and write the request that further root keys approve with `request approve` to this file',
  },
} as const

/** The operator of a folder with its root key, and its keys in force. */
export interface OpenKeySet {
  readonly operator: Operator
  /** The content of operator.json, if it describes this operator. */
  readonly config: OperatorConfig | undefined
  readonly current: OperatorKeySet
}

/**
 * Opens the operator with its root key, and gets its keys. Throws CliError for a manifest that no known root key has
 * signed, unless --trust names the key that did.
 */
export async function openKeySet(context: Context<typeof rootFlags>): Promise<OpenKeySet> {
  const operator = await openRoot(context)
  const config = await configOf(context.folder, operator.id)
  const current = await context.progress('asking the server for the keys', operator.keys.get())
  const trusted = trust(current, context.flags.text('trust'))
  await rememberKeys(context.folder, operator.id, trusted)
  return { operator, config, current: trusted }
}

function trust(current: OperatorKeySet, kid: string | undefined): OperatorKeySet {
  if (current.isTrusted) return current
  if (kid !== undefined && kid === current.signedBy) return { ...current, isTrusted: true }
  const by = current.rootKeys.find((key) => key.kid === current.signedBy)?.label
  throw new CliError(
    `The manifest of the keys is signed by the root key ${current.signedBy}${by === undefined ? '' : ` (${plain(by)})`}, which this folder does not know`,
    {
      reason: 'UNTRUSTED_MANIFEST',
      exit: 'refused',
      hint: `Compare the thumbprint with the holder of that key. If it is right, add --trust=${current.signedBy}`,
    },
  )
}

/** Returns the content of operator.json if it describes this operator. */
export async function configOf(folder: string, operatorId: string): Promise<OperatorConfig | undefined> {
  const config = await readOperatorConfig(folder)
  return config?.id === operatorId ? config : undefined
}

/**
 * Stores a manifest that this folder trusts, so that a server cannot show it an older or a foreign one. The digest
 * keeps it trusted after its signer is no root key any more.
 */
export async function rememberKeys(
  folder: string,
  operatorId: string,
  { seq, rootKeys, manifest }: Pick<OperatorKeySet, 'seq' | 'rootKeys' | 'manifest'>,
): Promise<void> {
  const config = await configOf(folder, operatorId)
  const digest = sha256Text(manifest, 'base64url')
  if (config === undefined || seq === 0 || digest === config.known_manifest?.digest) return
  const root_keys = rootKeys.map(({ jwk }) => encodeBase64(decodeBase64url(jwk.x) ?? new Uint8Array()))
  await updateOperatorConfig(folder, { known_manifest: { seq, root_keys, digest } })
}

/** A change of the keys, and what the command says about it. */
export interface KeyChange {
  readonly keys: Omit<NewOperatorKeys, 'seq' | 'isTrusted' | 'manifest' | 'signedBy'>
  /** What was done, for people: `key added`. */
  readonly done: string
  /** The result for scripts. */
  readonly result: string
  /** Lines that follow the table of keys. */
  readonly next?: string
  /** Further members of the answer with --json. */
  readonly more?: Readonly<Record<string, string>>
}

/**
 * Signs the manifest with the changed keys. Sends it, or writes the request to the file of --prepare. Resolves with
 * whether it was sent.
 */
export async function changeKeys(
  context: Context<typeof keySetFlags>,
  { operator, config, current }: OpenKeySet,
  { keys, done, result, next, more }: KeyChange,
): Promise<boolean> {
  const wanted = { ...keys, seq: current.seq, isTrusted: true }
  const file = context.flags.text('prepare')
  if (file === undefined && current.threshold > 1) throw approvalsNeeded(current.threshold)
  const request = await signed(() => operator.keys.prepare(wanted))
  if (file !== undefined) {
    await writeText(file, writeRequest(request), { replacesLink: true })
    const others = current.threshold - 1
    const how = `further root keys that must approve: ${others}\n${approvalLines(context.place, file)}`
    context.answer({ prepared: file, approvals: others }, `request written to ${file}\n\n${how}`, file)
    return false
  }
  await context.progress('sending the manifest', operator.send(request))
  const manifest = manifestIn(request.body) ?? ''
  const after = { ...withKids(keys), seq: current.seq + 1, threshold: keys.threshold, manifest }
  await rememberKeys(context.folder, operator.id, after)
  context.answer({ ...jsonOfKeys(after), ...more }, textOf(done, after, config, next), result)
  return true
}

/** Returns the keys without the one with this thumbprint. */
export function withoutKey<K extends { readonly kid: string }>(keys: readonly K[], kid: string): readonly K[] {
  return keys.filter((key) => key.kid !== kid)
}

function withKids({ rootKeys, keys }: KeyChange['keys']) {
  return {
    rootKeys: rootKeys.map((key) => ({ ...key, kid: jwkThumbprint(key.jwk) })),
    keys: keys.map((key) => ({ ...key, kid: jwkThumbprint(key.jwk) })),
  }
}

/** Makes the error for a command that one root key cannot do alone. */
function approvalsNeeded(threshold: number): CliError {
  return usageError(
    `This operator has a threshold of ${threshold} root keys, so one root key alone cannot do this`,
    'Write the request with --prepare FILE. The others approve it: `auth4agent request approve FILE`',
  )
}

/** Turns a manifest that the server would refuse into an error of the command line. */
async function signed<T>(sign: () => Promise<T>): Promise<T> {
  try {
    return await sign()
  } catch (error) {
    throw error instanceof TypeError ? usageError(error.message) : error
  }
}

function textOf(done: string, keys: ShownKeys, config: OperatorConfig | undefined, next: string | undefined): string {
  return `${done}\n\n${writeKeys(keys, config)}${next === undefined ? '' : `\n\n${next}`}`
}
