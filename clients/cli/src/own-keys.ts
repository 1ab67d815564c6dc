import { decodeBase64, encodeBase64url } from '@auth4agent/core/encoding/base64'
import { nearest } from '@auth4agent/core/names/nearest'
import type { KnownManifest, SeedSigner, Signer } from '@auth4agent/sdk'
import { loadOperationalKey, loadSigner, type OperatorConfig } from '@auth4agent/sdk/node'
import { configurationError, usageError } from './cli-error.ts'
import type { As, Base } from './context.ts'
import { shown } from './hidden.ts'

/** The name of the root key for `--as`. No operational key can have it. */
export const ROOT = 'root'

/** The key that signs the calls of an operator. */
export interface OwnOperatorKey {
  readonly signer: Signer
  /** Its label in this folder, or `root`. */
  readonly label: string
}

/** Tells whether a folder has the operator's root key. A folder of a team member may only have an operational key. */
export function hasRootKey({ root_public_key, operational_keys = [] }: OperatorConfig): boolean {
  return root_public_key !== '' || operational_keys.length === 0
}

/** Lists the names of the operator's keys in a folder, as `--as` accepts them; first the root key. */
function ownKeyNames(config: OperatorConfig): readonly string[] {
  const labels = (config.operational_keys ?? []).map(({ label }) => label)
  return hasRootKey(config) ? [ROOT, ...labels] : labels
}

/**
 * Returns the name of the key that signs: the one of --as or AUTH4AGENT_AS, or else the root key, or else the only
 * key. Throws CliError if the folder has no such key, or several without a root key.
 */
export function chosenKeyName(config: OperatorConfig, { as, folder }: Pick<Base, 'as' | 'folder'>): string {
  const names = ownKeyNames(config)
  const [first = ROOT, second] = names
  if (as === undefined && (first === ROOT || second === undefined)) return first
  if (as === undefined) {
    throw configurationError(`${folder} has several keys of the operator`, `Choose one with --as: ${names.join(', ')}`)
  }
  if (names.includes(as.label)) return as.label
  const meant = nearest(as.label, names)
  const by = as.chosenBy === '--as' ? '' : ' of AUTH4AGENT_AS'
  throw configurationError(
    `The label ${shown(as.label)}${by} is not one of a key in ${folder}`,
    meant === undefined ? `The keys there are: ${names.join(', ')}` : `Did you mean ${meant}?`,
  )
}

/** Loads the key that signs, as {@link chosenKeyName} chooses it. */
export async function loadOwnKey(
  config: OperatorConfig,
  context: Pick<Base, 'as' | 'folder'>,
): Promise<OwnOperatorKey> {
  const label = chosenKeyName(config, context)
  const signer =
    label === ROOT ? await loadSigner(context.folder, config) : await loadOperationalKey(context.folder, config, label)
  return { signer, label }
}

/** Loads the root key for an operation that only root keys may do. AUTH4AGENT_AS does not count here. */
export async function loadRootKey(
  config: OperatorConfig,
  { as, folder }: Pick<Base, 'as' | 'folder'>,
): Promise<SeedSigner> {
  refuseAs(as)
  if (hasRootKey(config)) return loadSigner(folder, config)
  throw configurationError(
    `This command needs a root key, and ${folder} has none`,
    'Ask a holder of a root key, or give the file of the root key: --key FILE',
  )
}

/** Throws CliError if --as names another key than the root key. */
export function refuseAs(as: As | undefined): void {
  if (as?.chosenBy === '--as' && as.label !== ROOT) {
    throw usageError('--as cannot be used here: only a root key may do this', 'Leave out --as.')
  }
}

/** Returns what the SDK needs to know about the keys of an operator from its configuration. */
export function teamOptions({ first_root_key, known_manifest: known }: Partial<OperatorConfig>) {
  return { firstRootKey: first_root_key || undefined, knownManifest: known && knownManifest(known) }
}

function knownManifest({ seq, root_keys, digest }: NonNullable<OperatorConfig['known_manifest']>): KnownManifest {
  const keys = root_keys.map((text) => decodeBase64(text) ?? new Uint8Array())
  return { seq, digest, rootKeys: keys.map((raw) => ({ kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(raw) })) }
}
