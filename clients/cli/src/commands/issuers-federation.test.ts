import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli } from '../../../../test/support/cli.ts'
import { newKeys } from '../../../../test/support/parties.ts'

const ANCHOR = 'https://id.gamma.org/federation'
const ISSUER = 'https://beta.io/auth'
const JWKS = '{"keys":[]}'
const pem = String(newKeys().privateKey.export({ format: 'pem', type: 'pkcs8' }))
const anchor = {
  entity_id: ANCHOR,
  position: 3,
  auto_admit: false,
  permitted_names: ['.beta.io'],
  kids: ['a'],
  unpinned_kids: ['not-pinned'],
}
const answers: Readonly<Record<string, unknown>> = {
  anchors: { anchor, anchors: [anchor], disabled_issuers: [ISSUER] },
  'anchors/remove': { disabled_issuers: [ISSUER] },
  discover: { candidate: { issuer: ISSUER, anchor: ANCHOR, path: [ISSUER, ANCHOR], keys_from: 'jwks' }, issuer: null },
  candidates: { candidates: [{ issuer: ISSUER, anchor: ANCHOR, path: [ISSUER, ANCHOR], keys_from: 'jwks' }] },
  subordinates: {
    subordinate: { entity_id: ISSUER, entity_types: ['x'], kids: ['a'] },
    subordinates: [{ entity_id: ISSUER, entity_types: ['x'], kids: ['a'] }],
  },
  'subordinates/remove': {},
}
let folder: string
let keys: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'federation-'))
  keys = join(folder, 'keys.json')
  await writeFile(keys, `${JWKS}\n`)
})
afterAll(() => rm(folder, { recursive: true }))

/** Runs a command against a server with these answers. Returns the changes that the server received. */
async function issuers(args: readonly string[]) {
  const sent: unknown[] = []
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init)
    if (request.method === 'POST') sent.push(await request.json())
    return Response.json(answers[new URL(request.url).pathname.replace('/v1/federation/', '')])
  }
  const where = ['--server', 'http://localhost:1234', '--key', '-']
  const ran = await runCli([...args, ...where], { fetch, readStdin: async () => pem })
  return { ...ran, sent }
}

describe('commands about OpenID Federation', () => {
  it('pin an anchor with all of its values, and tell what was disabled', async () => {
    const flags = ['--jwks', keys, '--position', '3', '--permit', '.beta.io,as.example', '--auto-admit']
    const { code, stdout: out, sent } = await issuers(['trust-anchor', 'add', ANCHOR, ...flags])
    expect([code, out]).toEqual([0, `anchor pinned\ndisabled: ${ISSUER}\n`])
    const names = ['.beta.io', 'as.example']
    expect(sent).toEqual([{ entity_id: ANCHOR, jwks: JWKS, position: 3, permitted_names: names, auto_admit: true }])
  })

  it.each([['4.5'], ['1001'], ['first']])('refuse the position %s', async (position) => {
    const { code, sent } = await issuers(['trust-anchor', 'add', ANCHOR, '--jwks', keys, '--position', position])
    expect([code, sent]).toEqual([2, []])
  })

  it('refuse a file that is not there', async () => {
    const { code, sent } = await issuers(['trust-anchor', 'add', ANCHOR, '--jwks', join(folder, 'none')])
    expect([code === 0, sent]).toEqual([false, []])
  })

  it.each<[string, readonly string[], string]>([
    ['anchors with keys that are not pinned', ['trust-anchor', 'list'], 'not-pinned'],
    ['a removed anchor', ['trust-anchor', 'remove', ANCHOR, '--reason', 'over'], `disabled: ${ISSUER}`],
    [
      'how to admit a candidate',
      ['issuer', 'discover', ISSUER],
      `issuer add ${ISSUER} --anchor ${ANCHOR} --revocations MODE`,
    ],
    ['candidates', ['issuer', 'list-candidates'], ANCHOR],
    ['subordinates', ['subordinate', 'list'], ISSUER],
    ['a removed subordinate', ['subordinate', 'remove', ISSUER], 'subordinate removed'],
  ])('show %s', async (_, args, text) => {
    const { code, stdout: out } = await issuers(args)
    expect([code, out]).toEqual([0, expect.stringContaining(text)])
  })

  it('add a subordinate', async () => {
    const flags = ['--jwks', keys, '--entity-type', 'x', '--constraints', '{"max_path_length":0}']
    const { sent } = await issuers(['subordinate', 'add', ISSUER, ...flags])
    expect(sent).toEqual([{ entity_id: ISSUER, jwks: JWKS, entity_types: ['x'], constraints: '{"max_path_length":0}' }])
  })
})
