import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'

/** Reads a text file by its path from the root of the checkout. Throws if it does not exist. */
export type ReadText = (path: string) => string

/** A value of a YAML or JSON document. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

/** A document whose top-level value is a mapping. */
export type Mapping = Readonly<Record<string, Json>>

const ROOT = join(import.meta.dirname, '../../..')

/** Reads a file of the checkout. */
export const readCheckout: ReadText = (path) => readFileSync(join(ROOT, path), 'utf8')

/**
 * Reads all documents of a YAML file, with `<<` resolved. Throws on a syntax error, a duplicate key, or a document
 * that is not a mapping.
 */
export function readYaml(read: ReadText, path: string): readonly Mapping[] {
  return parseAllDocuments(read(path), { merge: true }).map((document) => {
    const [error] = [...document.errors, ...document.warnings]
    if (error !== undefined) throw new Error(`${path}: ${error.message}`)
    const value: Json = document.toJS()
    if (!isMapping(value)) throw new Error(`${path}: a document is not a mapping`)
    return value
  })
}

/** Returns the value at a path such as `spec.template.spec`; undefined if there is none. */
export function at(value: Json | undefined, path: string): Json | undefined {
  return path.split('.').reduce<Json | undefined>((inner, key) => (isMapping(inner) ? inner[key] : undefined), value)
}

/** Returns the list at a path; empty if there is none. */
export function listAt(value: Json | undefined, path: string): readonly Json[] {
  const found = at(value, path)
  return Array.isArray(found) ? found : []
}

/** Returns the mapping at a path; empty if there is none. */
export function mappingAt(value: Json | undefined, path: string): Mapping {
  const found = at(value, path)
  return isMapping(found) ? found : {}
}

/** Returns the scalars of a list at a path, as texts. */
export function textsAt(value: Json | undefined, path: string): readonly string[] {
  return listAt(value, path).map((entry) => (typeof entry === 'object' ? '' : String(entry)))
}

/** Returns the text at a path. A number or flag becomes text, and a missing value becomes the empty string. */
export function textAt(value: Json | undefined, path: string): string {
  const found = at(value, path)
  return typeof found === 'object' || found === undefined ? '' : String(found)
}

/** Tells whether a value is a mapping, and not a list or a scalar. */
export function isMapping(value: Json | undefined): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
