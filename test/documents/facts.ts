import { resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { getOption, hasOption } from '@bufbuild/protobuf'
import { http } from '../../gen/proto/google/api/annotations_pb.ts'
import { PUBLIC_SERVICES } from '../../services/compose/public-services.ts'
import { readValues } from '../../services/configuration/settings.ts'

/** Returns the first cell of every table row in a document. */
export const firstCells = (text: string): readonly string[] =>
  [...text.matchAll(/^\| ?(.*?) ?\|/gm)].map(([, cell = '']) => cell)

/** Returns the variables in the first column of the tables in a document. */
export const documentedSettings = (text: string): readonly string[] =>
  firstCells(text).flatMap((cell) => [...cell.matchAll(/`([A-Z][A-Z\d_]+)`/g)].map(([, name = '']) => name))

/** Returns the variables with one default in the second column, and this default. */
export const documentedDefaults = (text: string): readonly (readonly [name: string, fallback: string])[] =>
  [...text.matchAll(/^\| `([A-Z][A-Z\d_]+)` \| `?([^`|\s]+)`? \|/gm)].map(([, name = '', fallback = '']) => [
    name,
    fallback.replace('PORT', '8080'),
  ])

/** Returns whether the server without a variable has the same value as with it. */
export function isDefault(name: string, text: string): boolean {
  let isSame = false
  readValues((each, parse, fallback) => {
    if (each === name) isSame = isDeepStrictEqual(parse(text), fallback)
    return fallback
  }, resolve('data'))
  return isSame
}

/** Returns the variables that the server reads. */
export function knownSettings(): readonly string[] {
  const names: string[] = []
  readValues((name, _parse, fallback) => {
    names.push(name)
    return fallback
  }, 'data')
  return names
}

/**
 * Returns the calls that the tables of a document list, without the names of path parameters: `GET /v1/operators/{}`.
 */
export const documentedCalls = (text: string): readonly string[] =>
  firstCells(text).flatMap((cell) => {
    const [, verb, path] =
      /^`([A-Z]+) (\/(?:(?:v1|1\.0|oauth|federation|ssf)\/|\.well-known\/openid-federation)[^`]*)`$/.exec(cell) ?? []
    return verb === undefined || path === undefined ? [] : [withoutNames(`${verb} ${path}`)]
  })

/** Calls of the HTTP port for which the contract has another form: Envoy's Check. */
const IN_ANOTHER_FORM = ['GET /v1/authz']

/** Returns the calls that have a REST form, written as documentedCalls writes them. */
export function contractCalls(): readonly string[] {
  const methods = Object.values(PUBLIC_SERVICES)
    .flat()
    .flatMap(({ methods }) => methods)
  const calls = methods.flatMap((method) => {
    if (!hasOption(method, http)) return []
    const { pattern } = getOption(method, http)
    return typeof pattern.value === 'string' ? [withoutNames(`${pattern.case?.toUpperCase()} ${pattern.value}`)] : []
  })
  return [...calls, ...IN_ANOTHER_FORM]
}

const withoutNames = (call: string) => call.replaceAll(/\{[^}]*\}/g, '{}')

/**
 * Returns the rows of a table of OAuth errors in a document: each reason in the second cell, with the error in the
 * first cell.
 */
export function documentedErrors(text: string): readonly (readonly [error: string, reason: string])[] {
  const rows = text.matchAll(/^\| `([a-z_]+)` \| ((?:`[A-Z_]+`(?:, )?)+) \|/gm)
  return [...rows].flatMap(([, error = '', cell = '']) =>
    Array.from(cell.matchAll(/`(\w+)`/g), ([, reason = '']) => [error, reason] as const),
  )
}

/** Returns the rows of the tables of figures in a document: each figure with its value. */
export function figures(text: string): ReadonlyMap<string, string> {
  const [, ...tables] = text.split(/^\| figure \| value \|\n\|[-|]+\n/m)
  const rows = tables.flatMap((table) => /^(?:\|.*\n)*/.exec(table)?.[0].trim().split('\n') ?? [])
  return new Map(
    rows.map((row) => {
      const [, figure = '', value = ''] = row.split('|').map((cell) => cell.trim())
      return [figure, value] as const
    }),
  )
}
