import { getOption, hasOption } from '@bufbuild/protobuf'
import { http } from '../../../gen/proto/google/api/annotations_pb.ts'
import { PUBLIC_SERVICES } from '../../../services/compose/public-services.ts'
import { readValues } from '../../../services/process/configuration/settings.ts'

/** The cells of the first column of every table row of a document. */
export const firstCells = (text: string): readonly string[] =>
  [...text.matchAll(/^\| ?(.*?) ?\|/gm)].map(([, cell = '']) => cell)

/** The variables that the tables of a document name in their first column. */
export const documentedSettings = (text: string): readonly string[] =>
  firstCells(text).flatMap((cell) => [...cell.matchAll(/`([A-Z][A-Z\d_]+)`/g)].map(([, name = '']) => name))

/** The variables that the server reads. */
export function knownSettings(): readonly string[] {
  const names: string[] = []
  readValues((name, _parse, fallback) => {
    names.push(name)
    return fallback
  }, 'data')
  return names
}

/**
 * The calls that the tables of a document list, with the names of path parameters left out: `GET /v1/operators/{}`.
 */
export const documentedCalls = (text: string): readonly string[] =>
  firstCells(text).flatMap((cell) => {
    const [, verb, path] = /^`([A-Z]+) (\/v1\/[^`]*)`$/.exec(cell) ?? []
    return verb === undefined || path === undefined ? [] : [withoutNames(`${verb} ${path}`)]
  })

/** The calls that the contract binds to REST, in the same form. */
export function contractCalls(): readonly string[] {
  const methods = Object.values(PUBLIC_SERVICES)
    .flat()
    .flatMap(({ methods }) => methods)
  return methods.flatMap((method) => {
    if (!hasOption(method, http)) return []
    const { pattern } = getOption(method, http)
    return typeof pattern.value === 'string' ? [withoutNames(`${pattern.case?.toUpperCase()} ${pattern.value}`)] : []
  })
}

const withoutNames = (call: string) => call.replaceAll(/\{[^}]*\}/g, '{}')

/** The rows of the tables of figures of a document, each as figure and value. */
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
