import { homedir } from 'node:os'
import { isAbsolute, join, relative, resolve, sep } from 'node:path'
import { isObject, type Json, type KeyReference, keyReference, text } from './config-members.ts'
import { configurationError, readText, writeText } from './files.ts'
import { type OperatorTeam, readTeam } from './operator-team.ts'

/** The content of `agent.json`, by its own names. A value that is not known yet is an empty string. */
export interface AgentConfig {
  readonly did: string
  readonly operator_id: string
  readonly server_url: string
  /** Base64 of the 32 raw bytes. */
  readonly public_key: string
  readonly key: KeyReference
  readonly did_document?: unknown
  /** The issuer if it differs from `server_url`; otherwise an empty string. Version 1 has no such member. */
  readonly issuer?: string
}

/**
 * The content of `operator.json`, by its own names. A value that is not known yet is an empty string. A folder without
 * the root key has an empty `root_public_key`.
 */
export interface OperatorConfig extends OperatorTeam {
  readonly id: string
  readonly domain: string
  readonly server_url: string
  /** Base64 of the 32 raw bytes. */
  readonly root_public_key: string
  readonly key: KeyReference
  /** RFC 3339. */
  readonly domain_verified_at?: string
  /** As in {@link AgentConfig}. */
  readonly issuer?: string
}

const AGENT_FILE = 'agent.json'
const OPERATOR_FILE = 'operator.json'

/**
 * Returns the folder of the command line and of version 1: `~/.auth4agents`.
 *
 * @example
 *
 * ```ts
 * import { defaultFolder, readAgentConfig } from '@auth4agent/sdk/node'
 *
 * const config = await readAgentConfig(defaultFolder())
 * ```
 */
export function defaultFolder(): string {
  return join(homedir(), '.auth4agents')
}

/**
 * Returns the paths of the files in a configuration folder. The files need not exist.
 *
 * @example
 *
 * ```ts
 * import { createKeyFile, defaultFolder, pathsIn } from '@auth4agent/sdk/node'
 *
 * const signer = await createKeyFile(pathsIn(defaultFolder()).agentKey)
 * ```
 */
export function pathsIn(folder: string) {
  return {
    agent: join(folder, AGENT_FILE),
    operator: join(folder, OPERATOR_FILE),
    agentKey: join(folder, 'keys', 'agent.key'),
    operatorKey: join(folder, 'keys', 'operator.key'),
  } as const
}

/**
 * Makes a reference to a key file. A file inside the folder gets a relative path, so that the folder can be moved. Any
 * other file gets its absolute path.
 *
 * @example
 *
 * ```ts
 * import { keyFileReference, updateAgentConfig } from '@auth4agent/sdk/node'
 *
 * await updateAgentConfig(folder, { key: keyFileReference(folder, '/secrets/agent.key') })
 * ```
 */
export function keyFileReference(folder: string, path: string): KeyReference {
  const [full, inside] = [resolve(path), relative(folder, path)]
  const isInside = inside !== '' && inside !== '..' && !inside.startsWith(`..${sep}`) && !isAbsolute(inside)
  return { provider: 'file', ref: isInside ? inside.split(sep).join('/') : full }
}

/**
 * Reads `agent.json`. Resolves with undefined if the file does not exist. Rejects with CONFIGURATION if the file
 * cannot be used.
 *
 * @example
 *
 * ```ts
 * import { defaultFolder, loadSigner, readAgentConfig } from '@auth4agent/sdk/node'
 *
 * const folder = defaultFolder()
 * const config = await readAgentConfig(folder)
 * if (config === undefined) throw new Error('Run `auth4agent init` first')
 * const key = await loadSigner(folder, config)
 * ```
 */
export async function readAgentConfig(folder: string): Promise<AgentConfig | undefined> {
  const path = pathsIn(folder).agent
  const json = await readObject(path)
  return (
    json && {
      did: text(json, 'did', path),
      operator_id: text(json, 'operator_id', path),
      server_url: text(json, 'server_url', path),
      public_key: text(json, 'public_key', path),
      key: keyReference(json, path, pathsIn(folder).agentKey),
      did_document: json.did_document,
      issuer: text(json, 'issuer', path),
    }
  )
}

/**
 * Reads `operator.json`. Resolves with undefined if the file does not exist. Rejects with CONFIGURATION if the file
 * cannot be used.
 *
 * @example
 *
 * ```ts
 * import { defaultFolder, readOperatorConfig } from '@auth4agent/sdk/node'
 *
 * const config = await readOperatorConfig(defaultFolder())
 * console.log(config?.domain)
 * ```
 */
export async function readOperatorConfig(folder: string): Promise<OperatorConfig | undefined> {
  const path = pathsIn(folder).operator
  const json = await readObject(path)
  return (
    json && {
      id: text(json, 'id', path),
      domain: text(json, 'domain', path),
      server_url: text(json, 'server_url', path),
      root_public_key: text(json, 'root_public_key', path),
      key: keyReference(json, path, pathsIn(folder).operatorKey),
      domain_verified_at: text(json, 'domain_verified_at', path),
      issuer: text(json, 'issuer', path),
      ...readTeam(json, path),
    }
  )
}

/**
 * Sets members of `agent.json` and keeps all others. Creates the file if it does not exist. Rejects with CONFIGURATION
 * if the file cannot be read or written.
 *
 * @example
 *
 * ```ts
 * import { defaultFolder, updateAgentConfig } from '@auth4agent/sdk/node'
 *
 * await updateAgentConfig(defaultFolder(), { did, operator_id: operatorId })
 * ```
 */
export async function updateAgentConfig(folder: string, changes: Partial<AgentConfig>): Promise<void> {
  await update(pathsIn(folder).agent, changes)
}

/**
 * Sets members of `operator.json` and keeps all others. Creates the file if it does not exist. Rejects with
 * CONFIGURATION if the file cannot be read or written.
 *
 * @example
 *
 * ```ts
 * import { defaultFolder, updateOperatorConfig } from '@auth4agent/sdk/node'
 *
 * await updateOperatorConfig(defaultFolder(), { id, domain: 'acme.example' })
 * ```
 */
export async function updateOperatorConfig(folder: string, changes: Partial<OperatorConfig>): Promise<void> {
  await update(pathsIn(folder).operator, changes)
}

async function update(path: string, changes: object): Promise<void> {
  const present = (await readObject(path)) ?? {}
  await writeText(path, JSON.stringify({ ...present, ...changes }, undefined, 2))
}

async function readObject(path: string): Promise<Json | undefined> {
  const content = await readText(path)
  if (content === undefined) return undefined
  const json = parseJson(content)
  if (!isObject(json)) throw configurationError(`${path} must be a JSON object`)
  return json
}

function parseJson(content: string): unknown {
  try {
    return JSON.parse(content)
  } catch {
    return undefined
  }
}
