import { afterEach, expect, it, vi } from 'vitest'
import { readConfig } from '../configuration/config.ts'
import type { Secrets } from '../configuration/secrets.ts'
import { printWelcome } from './banner.ts'

afterEach(() => vi.restoreAllMocks())

it.each([
  ['alone for a server at the address that the demo expects', {}, 'npx auth4agent demo   '],
  ['with the address of any other server', { PORT: '9999' }, 'npx auth4agent demo --server http://localhost:9999   '],
])('printWelcome shows the command of the demo %s', (_name, env, command) => {
  let printed = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text)
    return true
  })
  const config = readConfig(env, '/data')
  printWelcome(config, {} as Secrets, { httpPort: config.port, grpcPort: config.grpcPort })
  expect(printed).toContain(command)
})
