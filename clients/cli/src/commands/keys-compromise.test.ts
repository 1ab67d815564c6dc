import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { runCli } from '../../../../test/support/cli.ts'
import { newKeys } from '../../../../test/support/parties.ts'

const WHERE = ['signing-key', 'mark-compromised', '--server', 'http://localhost:1234', '--key', '-', '--json']
const kidOf = () => randomBytes(32).toString('base64url')
const keyIn = (state: string, held_by = 'database') => ({ kid: kidOf(), alg: 'EdDSA', state, held_by })
const listed = [
  keyIn('active'),
  keyIn('retiring'),
  keyIn('prepared'),
  keyIn('prepared', 'pkcs11'),
  keyIn('retired', ''),
  keyIn('compromised', ''),
  keyIn('active', 'pkcs11'),
  keyIn('prepared'),
]

/**
 * Runs the command against a server that lists the keys above and answers only the first `answers` changes. Returns
 * the changes that the server received.
 */
async function mark(args: readonly string[], answers = Number.POSITIVE_INFINITY) {
  const sent: { readonly kid: string; readonly body: unknown }[] = []
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init)
    if (request.method === 'GET') return Response.json({ keys: listed, kek_id: 'x', sealed_under_others: 0 })
    const kid = new URL(request.url).pathname.split('/')[3] ?? ''
    sent.push({ kid, body: await request.json() })
    if (sent.length > answers) throw new Error('gone')
    return Response.json({ kid, compromised_at: '2026-01-15T10:30:00Z' })
  }
  const pem = String(newKeys().privateKey.export({ format: 'pem', type: 'pkcs8' }))
  const ran = await runCli([...WHERE, ...args], { fetch, readStdin: async () => pem })
  return { ...ran, sent }
}

describe('signing-key mark-compromised', () => {
  it('marks all prepared, retiring and active keys in the database, in this order', async () => {
    const { code, sent } = await mark(['--held-by', 'database', '--force', '--reason', 'KEK leaked'])
    const [active, retiring, first, , , , , second] = listed
    expect(code).toBe(0)
    expect(sent.map(({ kid }) => kid)).toEqual([first, second, retiring, active].map((key) => key?.kid))
    expect(new Set(sent.map(({ body }) => JSON.stringify(body)))).toEqual(
      new Set(['{"reason":"KEK leaked","force":true}']),
    )
  })

  it('stops and fails at the first key that the server does not mark', async () => {
    const { code, stdout, sent } = await mark(['--held-by', 'database', '--force'], 1)
    expect({ code, sent: sent.length }).toEqual({ code: 3, sent: 2 })
    expect(JSON.parse(stdout)).toMatchObject({ error: { reason: 'NETWORK_ERROR' } })
  })

  it.each([
    [[]],
    [['--force']],
    [['--held-by', 'database']],
    [['--held-by', 'pkcs11', '--force']],
    [[`--kid=${kidOf()}`, '--held-by', 'database', '--force']],
    [['--kid=', '--force']],
    [['--kid=EdDSA', '--force']],
    [[`--kid=${kidOf()}/../x`]],
    [[kidOf(), '--force']],
  ])('exits with 2 and sends no change for %j', async (args) => {
    expect(await mark(args)).toMatchObject({ code: 2, sent: [] })
  })

  it.each([kidOf(), `-${kidOf().slice(1)}`, `--${kidOf().slice(2)}`])(
    'sends force for %s only with --force',
    async (kid) => {
      expect((await mark([`--kid=${kid}`])).sent).toEqual([{ kid, body: {} }])
      expect((await mark([`--kid=${kid}`, '--force'])).sent).toEqual([{ kid, body: { force: true } }])
    },
  )
})
