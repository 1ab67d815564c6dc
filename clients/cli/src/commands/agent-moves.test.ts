import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { updateOperatorConfig } from '@auth4agent/sdk/node'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { runCli } from '../../../../test/support/cli.ts'

const ID = 'aaaaaaaa-1111-8111-8111-111111111111'
const DID = 'did:agent:example.com:21fe31dfa154a261626bf854046fd227'
const NEW = 'did:agent:other.example:21fe31dfa154a261626bf854046fd227'

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'a4a-moves-'))
  const init = ['init', '--domain', 'example.com', '--server', 'http://localhost:1']
  await runCli(init, { home })
  await runCli([...init, '--operator'], { home })
  await updateOperatorConfig(join(home, '.auth4agents'), { id: ID })
})
afterAll(() => rm(home, { recursive: true }))

it.each([
  ['agent admit', 'without an agent', '', 'Either the old DID or --bundle FILE'],
  ['agent admit', 'with an agent and a bundle', `${DID} --bundle x.json`, 'Either the old DID or --bundle FILE'],
  ['agent admit', 'with the id of an agent', ID, 'must be a DID'],
  ['agent admit', 'with a bundle that is none', '--bundle -', 'contains no bundle'],
  ['agent verify-bundle', 'with a text that is no bundle', '-', 'contains no bundle'],
  ['agent release', 'without the new DID', DID, '--new-did'],
  ['agent release', 'with a new DID that is none', `${DID} --new-did other.example`, '--new-did must be a DID'],
  ['agent release', 'without an agent', `--new-did ${NEW}`, 'AGENT is missing'],
  ['agent object-to-move', 'without an agent', '', 'AGENT is missing'],
  ['agent move', 'with an operator that is no UUID', '--to-domain other.example --to-operator x', 'must be a UUID'],
  ['agent move', 'to a text that is no domain', `--to-domain other --to-operator ${ID}`, 'is not a domain'],
  ['agent move', 'to no server', `--to-domain o.example --to-operator ${ID} --to-issuer x`, 'is not a valid address'],
  ['agent finish-move', 'to a DID that is none', '--new-did other.example', '--new-did must be a DID'],
])('%s refuses a command line %s, and sends nothing', async (command, _what, rest, message) => {
  let sent = 0
  const fetch = () => {
    sent += 1
    return Promise.reject(new Error('no network'))
  }
  const ran = await runCli(`${command} ${rest}`.trim().split(' '), { home, fetch, readStdin: async () => '{}' })
  expect({ ...ran, sent }).toMatchObject({ code: 2, stderr: expect.stringContaining(message), sent: 0 })
})
