import { Buffer } from 'node:buffer'
import { basename, join, resolve } from 'node:path'
import type { SeedSigner } from '../keys/signers.ts'
import type { AgentConfig, OperatorConfig } from './config-folder.ts'
import type { KeyReference } from './config-members.ts'
import { configurationError, readText } from './files.ts'
import { readKeyFile } from './key-file.ts'

/**
 * Loads the key that a configuration names. If no file exists at the path of the key, it loads the file of the same
 * name in the subfolder `keys`, because the configuration folder may have been moved.
 *
 * Rejects with CONFIGURATION if the key cannot be loaded, or if the configuration names another public key. A key that
 * `keyFileStore` rotates may differ from the configuration.
 *
 * @example
 *
 * ```ts
 * import { createAgent } from '@auth4agent/sdk'
 * import { defaultFolder, loadSigner, readAgentConfig } from '@auth4agent/sdk/node'
 *
 * const folder = defaultFolder()
 * const config = await readAgentConfig(folder)
 * if (config === undefined) throw new Error('Run `auth4agent init` first')
 * const key = await loadSigner(folder, config)
 * const agent = createAgent({ server: config.server_url, did: config.did, key })
 * ```
 */
export async function loadSigner(folder: string, config: AgentConfig | OperatorConfig): Promise<SeedSigner> {
  return load(folder, config.key, 'root_public_key' in config ? config.root_public_key : config.public_key)
}

/**
 * Loads an operational key of an operator that the configuration names, as {@link loadSigner} does.
 *
 * @example
 *
 * ```ts
 * import { createOperator } from '@auth4agent/sdk'
 * import { defaultFolder, loadOperationalKey, readOperatorConfig } from '@auth4agent/sdk/node'
 *
 * const folder = defaultFolder()
 * const config = await readOperatorConfig(folder)
 * if (config === undefined) throw new Error('Run `auth4agent operator-key request` first')
 * const key = await loadOperationalKey(folder, config, 'pipeline')
 * const operator = createOperator({ server: config.server_url, operatorId: config.id, key })
 * ```
 */
export async function loadOperationalKey(folder: string, config: OperatorConfig, label: string): Promise<SeedSigner> {
  const own = config.operational_keys?.find((key) => key.label === label)
  if (own === undefined)
    throw configurationError(`The configuration in ${folder} has no key with the label ${JSON.stringify(label)}`)
  return load(folder, own.key, own.public_key)
}

/**
 * Returns the path of the key file that a configuration names, for `keyFileStore`.
 *
 * @example
 *
 * ```ts
 * import { defaultFolder, keyFileStore, keyPathOf, readAgentConfig } from '@auth4agent/sdk/node'
 *
 * const config = await readAgentConfig(defaultFolder())
 * const store = config && keyFileStore(await keyPathOf(defaultFolder(), config))
 * ```
 */
export async function keyPathOf(folder: string, { key }: { readonly key: KeyReference }): Promise<string> {
  if (key.provider !== 'file')
    throw configurationError(`Unknown key provider ${JSON.stringify(key.provider)}: it must be "file"`)
  const named = resolve(folder, key.ref)
  const isThere = (await readText(named)) !== undefined
  return isThere ? named : join(folder, 'keys', basename(key.ref))
}

/** Tells whether a key file has a neighbour of `keyFileStore`. Then a rotation may have replaced the key. */
async function isRotated(path: string): Promise<boolean> {
  const found = await Promise.all([`${path}.next`, `${path}.pending`].map((each) => readText(each)))
  return found.some((text) => text !== undefined)
}

async function load(folder: string, key: KeyReference, publicKey: string): Promise<SeedSigner> {
  const path = await keyPathOf(folder, { key })
  const signer = await readKeyFile(path)
  if (publicKey !== '' && publicKey !== Buffer.from(signer.publicKey).toString('base64') && !(await isRotated(path))) {
    throw configurationError(`The key in ${path} is not the one that the configuration in ${folder} names`)
  }
  return signer
}
