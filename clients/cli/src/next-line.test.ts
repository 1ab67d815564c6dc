import { expect, it } from 'vitest'
import type { Place } from './context.ts'
import { nextLine } from './next-line.ts'

const place = (chosenBy: Place['chosenBy'], folder = '/f', context?: string) => ({
  root: '/r',
  folder,
  context,
  chosenBy,
})

it.each<[string, Place, string]>([
  ['keeps --config', place('--config'), ' --config /f'],
  ['quotes the folder of --config for a shell', place('--config', `/a b/$(c)'s`), ` --config '/a b/$(c)'\\''s'`],
  ['keeps --context', place('--context', '/f', 'staging'), ' --context staging'],
  ['leaves out what the environment has chosen', place('environment', '/f', 'staging'), ''],
  ['leaves out what context use has chosen', place('context use', '/f', 'staging'), ''],
  ['leaves out the default', place('default', '/f', 'default'), ''],
])('nextLine %s', (_name, given, flags) => {
  expect(nextLine(given, 'agent register')).toBe(`auth4agent agent register${flags}`)
})
