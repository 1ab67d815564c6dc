import { decodeBase64 } from '@auth4agent/core/encoding/base64'
import { signerKid } from '@auth4agent/core/jose/signer-jwk'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import type { SeedSigner } from '@auth4agent/sdk'
import { loadSigner, type OperatorConfig, updateOperatorConfig } from '@auth4agent/sdk/node'
import { configurationError } from './cli-error.ts'
import type { serverFlags } from './common-flags.ts'
import type { Context } from './context.ts'
import { rememberKeys } from './key-set.ts'
import { teamOptions } from './own-keys.ts'
import { makeOperator, serverOf } from './parties.ts'

/** Loads the root key that is to replace the one of the folder. Rejects with CliError if none waits. */
export async function loadNextRoot(folder: string, config: OperatorConfig): Promise<SeedSigner> {
  const { next_root_key: next } = config
  if (next === undefined) throw configurationError(`No new root key waits in ${folder}`)
  return loadSigner(folder, { ...config, root_public_key: next.public_key, key: next.key })
}

/**
 * Makes the new root key the root key of the folder, if it has replaced the old one on the server. Resolves with its
 * thumbprint, or with undefined if the old one is still a root key. Keeps the old key file.
 */
export async function adoptNextRoot(
  context: Pick<Context<typeof serverFlags>, 'flags' | 'folder' | 'fetch' | 'now'>,
  config: OperatorConfig,
): Promise<string | undefined> {
  const { folder, fetch, now } = context
  const { next_root_key: next } = config
  if (next === undefined) return undefined
  const key = await loadNextRoot(folder, config)
  const identity = { ...teamOptions(config), operatorId: config.id }
  const operator = makeOperator({ ...serverOf(config, context), ...identity, key, fetch, now })
  const keys = await operator.keys.get().catch(() => undefined)
  const [kid, old] = [signerKid(key), thumbprint(decodeBase64(config.root_public_key) ?? new Uint8Array(32))]
  const has = (wanted: string) => keys?.rootKeys.some((root) => root.kid === wanted) === true
  if (keys === undefined || !has(kid) || has(old)) return undefined
  await updateOperatorConfig(folder, {
    root_public_key: next.public_key,
    key: next.key,
    first_root_key: config.first_root_key || old,
    next_root_key: undefined,
  })
  if (keys.isTrusted) await rememberKeys(folder, config.id, keys)
  return kid
}
