import { isObject, type Json, type KeyReference, keyReference, text } from './config-members.ts'
import { configurationError } from './files.ts'

/** A key of an operator besides the root key in use. `public_key` is base64 of the 32 raw bytes. */
export interface OwnKey {
  readonly label: string
  readonly public_key: string
  readonly key: KeyReference
}

/** A manifest that a folder trusts: its number, its root keys in base64, and its SHA-256 in base64url. */
interface KnownManifestJson {
  readonly seq: number
  readonly root_keys: readonly string[]
  /** Older versions wrote none. */
  readonly digest?: string | undefined
}

/** Members of `operator.json` for an operator whose team has several keys. */
export interface OperatorTeam {
  /** The operational keys in this folder. */
  readonly operational_keys?: readonly OwnKey[]
  /** The root key that is to replace the one in use. */
  readonly next_root_key?: OwnKey | undefined
  /** The RFC 7638 thumbprint of the operator's first root key, if the root key has been replaced. */
  readonly first_root_key?: string
  /** The newest manifest that this folder trusts. */
  readonly known_manifest?: KnownManifestJson | undefined
}

/** Reads the members of a team. `path` is the path of the file, for errors. */
export function readTeam(json: Json, path: string): OperatorTeam {
  const { operational_keys: keys = [], next_root_key: next, known_manifest: known } = json
  if (!Array.isArray(keys)) throw configurationError(`operational_keys in ${path} must be an array`)
  return {
    operational_keys: keys.map((key) => ownKey(key, path)),
    next_root_key: next === undefined || next === null ? undefined : ownKey(next, path),
    first_root_key: text(json, 'first_root_key', path),
    known_manifest: knownManifest(known, path),
  }
}

function ownKey(value: unknown, path: string): OwnKey {
  if (!isObject(value)) throw configurationError(`Each key in ${path} must be an object`)
  return {
    label: text(value, 'label', path),
    public_key: text(value, 'public_key', path),
    key: keyReference(value, path, ''),
  }
}

function knownManifest(value: unknown, path: string): OperatorTeam['known_manifest'] {
  if (value === undefined || value === null) return undefined
  const { seq, root_keys: roots, digest } = isObject(value) ? value : {}
  const isDigest = digest === undefined || typeof digest === 'string'
  if (typeof seq === 'number' && Array.isArray(roots) && roots.every((root) => typeof root === 'string') && isDigest) {
    return { seq, root_keys: roots, ...(digest !== undefined && { digest }) }
  }
  throw configurationError(
    `known_manifest in ${path} must have seq, a number, root_keys, an array of strings, and may have digest, a string`,
  )
}
