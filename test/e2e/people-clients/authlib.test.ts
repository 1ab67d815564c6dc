import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { installAuthlib, PYTHON } from '../../support/python.ts'
import { type PeopleWorld, startPeopleWorld } from './world.ts'

const PROGRAM = join(import.meta.dirname, 'authlib_people.py')

const started = new AsyncDisposableStack()
let world: PeopleWorld
beforeAll(async () => {
  await installAuthlib()
  world = await startPeopleWorld(started)
})
afterAll(() => started.disposeAsync())

/** Starts the program, which writes and reads lines of JSON. */
function startAuthlib(order: object) {
  const child = spawn(PYTHON, [PROGRAM, JSON.stringify(order)], { stdio: ['pipe', 'pipe', 'inherit'] })
  started.defer(() => void child.kill())
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    async next() {
      const line = await Promise.race([lines.next(), once(child, 'exit')])
      if (Array.isArray(line) || line.done === true) throw new Error('Authlib has ended')
      return Object(JSON.parse(line.value))
    },
    say: (message: object) => child.stdin.write(`${JSON.stringify(message)}\n`),
  }
}

it('Authlib gets a token for a person by a code with PKCE, refreshes it, and ends both', async () => {
  const { issuer: server, clientId: client_id, redirectUri: redirect_uri, audience: resource } = world
  const authlib = startAuthlib({ server, client_id, redirect_uri, resource, scope: 'search' })
  const { url } = await authlib.next()
  authlib.say({ url: (await world.allow(new URL(url))).href })
  const { first, second } = await authlib.next()
  expect(first).toMatchObject({ scope: 'search', token_type: 'Bearer' })
  expect(second.refresh_token).not.toBe(first.refresh_token)
  expect(await world.isValid(second.access_token)).toBe(true)
  authlib.say({})
  expect(await authlib.next()).toEqual({ revoked: 200, error: 'invalid_grant' })
  expect(await world.isValid(first.access_token)).toBe(false)
  expect(await world.isValid(second.access_token)).toBe(false)
})
