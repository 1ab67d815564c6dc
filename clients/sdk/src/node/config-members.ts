import { configurationError } from './files.ts'

/**
 * A reference to a private key. The only provider is `file`. `ref` is the path of the key file, absolute or relative
 * to the configuration folder.
 */
export interface KeyReference {
  readonly provider: string
  readonly ref: string
}

/** A JSON object of a configuration. */
export type Json = Readonly<Record<string, unknown>>

/** Reads the reference to a key in the member `key` of a configuration at `path`. */
export function keyReference(json: Json, path: string, otherwise: string): KeyReference {
  const { key = {} } = json
  if (!isObject(key)) throw configurationError(`key in ${path} must be an object`)
  return { provider: text(key, 'provider', path) || 'file', ref: text(key, 'ref', path) || otherwise }
}

/** Reads a text of a configuration at `path`; empty if it is missing. */
export function text(json: Json, name: string, path: string): string {
  const value = json[name] ?? ''
  if (typeof value !== 'string') throw configurationError(`${name} in ${path} must be a string`)
  return value
}

/** Tells whether a value is a JSON object. */
export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
