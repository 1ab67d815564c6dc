import { Buffer } from 'node:buffer'
import { homedir } from 'node:os'
import { basename, isAbsolute, join, relative, resolve, sep } from 'node:path'
import type { Signer } from '../signer.ts'
import { configurationError, readText, writeText } from './files.ts'
import { readKeyFile } from './key-file.ts'

/**
 * Where a private key is. `file` is the one provider there is; `ref` is then its path, absolute or from the folder of
 * its configuration.
 */
export interface KeyReference {
  readonly provider: string
  readonly ref: string
}

/** `agent.json`, by the names that stand in it. What is not known yet is empty. */
export interface AgentConfig {
  readonly did: string
  readonly operator_id: string
  readonly server_url: string
  /** Base64 of the 32 raw bytes. */
  readonly public_key: string
  readonly key: KeyReference
  readonly did_document?: unknown
  /** What the server calls itself where that is not its address; empty where it is. Version 1 has no such member. */
  readonly issuer?: string
}

/** `operator.json`, by the names that stand in it. What is not known yet is empty. */
export interface OperatorConfig {
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

/** Where existing tools keep their files: `~/.auth4agents`. */
export function defaultFolder(): string {
  return join(homedir(), '.auth4agents')
}

/** Paths in a folder, whether or not they exist. */
export function pathsIn(folder: string) {
  return {
    agent: join(folder, AGENT_FILE),
    operator: join(folder, OPERATOR_FILE),
    agentKey: join(folder, 'keys', 'agent.key'),
    operatorKey: join(folder, 'keys', 'operator.key'),
  } as const
}

/**
 * Refers to a key file: by its path from the folder where it is inside, so that the folder can be moved, else by its
 * absolute path.
 */
export function keyFileReference(folder: string, path: string): KeyReference {
  const [full, inside] = [resolve(path), relative(folder, path)]
  const isInside = inside !== '' && inside !== '..' && !inside.startsWith(`..${sep}`) && !isAbsolute(inside)
  return { provider: 'file', ref: isInside ? inside.split(sep).join('/') : full }
}

/** Reads `agent.json`; undefined when there is none. Rejects with CONFIGURATION. */
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

/** Reads `operator.json`; undefined when there is none. Rejects with CONFIGURATION. */
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
    }
  )
}

/** Sets members of `agent.json`, which is made if it has to be; every other member stays as it is. */
export async function updateAgentConfig(folder: string, changes: Partial<AgentConfig>): Promise<void> {
  await update(pathsIn(folder).agent, changes)
}

/** Sets members of `operator.json`, which is made if it has to be; every other member stays as it is. */
export async function updateOperatorConfig(folder: string, changes: Partial<OperatorConfig>): Promise<void> {
  await update(pathsIn(folder).operator, changes)
}

/**
 * Loads the signer of a configuration's key. An absolute path that no longer leads to a file is looked for in the
 * folder, which may have been moved. Rejects with CONFIGURATION, also when the key is not the one that the
 * configuration names.
 */
export async function loadSigner(folder: string, { key, ...config }: AgentConfig | OperatorConfig): Promise<Signer> {
  if (key.provider !== 'file')
    throw configurationError(`keys of the provider ${JSON.stringify(key.provider)} are not known`)
  const named = resolve(folder, key.ref)
  const isThere = (await readText(named)) !== undefined
  const path = isThere ? named : join(folder, 'keys', basename(key.ref))
  const signer = await readKeyFile(path)
  const publicKey = 'root_public_key' in config ? config.root_public_key : config.public_key
  if (publicKey !== '' && publicKey !== Buffer.from(signer.publicKey).toString('base64')) {
    throw configurationError(`the key in ${path} is not the one that the configuration in ${folder} names`)
  }
  return signer
}

async function update(path: string, changes: object): Promise<void> {
  const present = (await readObject(path)) ?? {}
  await writeText(path, JSON.stringify({ ...present, ...changes }, undefined, 2))
}

async function readObject(path: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  const content = await readText(path)
  if (content === undefined) return undefined
  const json = parseJson(content)
  if (!isObject(json)) throw configurationError(`${path} is not a JSON object`)
  return json
}

function parseJson(content: string): unknown {
  try {
    return JSON.parse(content)
  } catch {
    return undefined
  }
}

function keyReference(json: Readonly<Record<string, unknown>>, path: string, otherwise: string): KeyReference {
  const { key = {} } = json
  if (!isObject(key)) throw configurationError(`key in ${path} is not an object`)
  return { provider: text(key, 'provider', path) || 'file', ref: text(key, 'ref', path) || otherwise }
}

function text(json: Readonly<Record<string, unknown>>, name: string, path: string): string {
  const value = json[name] ?? ''
  if (typeof value !== 'string') throw configurationError(`${name} in ${path} is not a text`)
  return value
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
