import { join, resolve } from 'node:path'
import { isJsonObject } from '@auth4agent/core/encoding/strict-json'
import { keyFileReference, keyPathOf, readText, writeText } from '@auth4agent/sdk/node'
import { configurationError } from './cli-error.ts'

/**
 * The content of `server.json`, by its own names: what a context without agent and operator supplies. A folder of an
 * administrator or of a service has this file.
 */
interface ServerConfig {
  /** Empty if only agent.json or operator.json names the server. */
  readonly server_url: string
  /** The issuer if it differs from `server_url`; otherwise an empty string. */
  readonly issuer: string
  /** The path of the administrator key, absolute or relative to the folder; empty without one. */
  readonly administrator_key: string
}

const FILE = 'server.json'

/** Reads `server.json`. Resolves with undefined if the file does not exist. Rejects if the file cannot be used. */
export async function readServerConfig(folder: string): Promise<ServerConfig | undefined> {
  const path = join(folder, FILE)
  const content = await readText(path)
  if (content === undefined) return undefined
  const json = parse(content)
  if (json === undefined) throw configurationError(`${path} must be a JSON object`)
  const text = (name: keyof ServerConfig) => {
    const value = json[name] ?? ''
    if (typeof value !== 'string') throw configurationError(`${name} in ${path} must be a string`)
    return value
  }
  return { server_url: text('server_url'), issuer: text('issuer'), administrator_key: text('administrator_key') }
}

/** Sets members of `server.json` and keeps all others. Creates the file if it does not exist. */
export async function updateServerConfig(folder: string, changes: Partial<ServerConfig>): Promise<void> {
  const path = join(folder, FILE)
  await readServerConfig(folder)
  const present = parse((await readText(path)) ?? '{}')
  await writeText(path, JSON.stringify({ ...present, ...changes }, undefined, 2))
}

/**
 * Returns the path of a key file for `server.json`: relative if the file is in the folder, so that it can be moved.
 */
export function administratorKeyReference(folder: string, file: string): string {
  return keyFileReference(folder, resolve(file)).ref
}

/** Returns the path of the administrator key that the folder names, or undefined. */
export async function administratorKeyFile(folder: string): Promise<string | undefined> {
  const ref = (await readServerConfig(folder))?.administrator_key ?? ''
  return ref === '' ? undefined : keyPathOf(folder, { key: { provider: 'file', ref } })
}

function parse(content: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const json: unknown = JSON.parse(content)
    return isJsonObject(json) ? json : undefined
  } catch {
    return undefined
  }
}
