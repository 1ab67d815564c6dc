import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { updateOperatorConfig } from '@auth4agent/sdk/node'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { runCli } from '../../../../test/support/cli.ts'

const WORKER = 'did:agent:partner.test:21fe31dfa154a261626bf854046fd227'
const SHOP = 'did:agent:shop.test:00fe31dfa154a261626bf854046fd227'
const EXCHANGE = {
  id: 'id-1',
  at: '2026-09-21T14:00:00Z',
  actor: `agent:${WORKER}`,
  action: 'token.exchange',
  subject: 'jti-1',
  outcome: 'done',
  reason: `actor ${WORKER}; principal ${SHOP}; grants ["g0","g1"]; scope ["read;all"]; audience ["https://api.shop.test"]`,
}
const SUSPENSION = { ...EXCHANGE, id: 'id-2', action: 'agent.suspend', subject: WORKER, reason: 'a; b' }
const REFUSED = { ...EXCHANGE, id: 'id-3', outcome: 'refused', reason: 'GRANT_EXPIRED' }

let home: string
const audit = (records: readonly object[], ...flags: readonly string[]) =>
  runCli(['audit', 'list', ...flags], { home, fetch: async () => Response.json(records) })

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'a4a-audit-'))
  await runCli(['init', '--operator', '--domain', 'shop.test', '--server', 'http://localhost:1234'], { home })
  await updateOperatorConfig(join(home, '.auth4agents'), { id: 'aaaaaaaa-1111-8111-8111-111111111111' })
})
afterEach(() => rm(home, { recursive: true }))

it('audit prints who acted for whom below the row of an exchange, each fact in its own line', async () => {
  const { stdout } = await audit([SUSPENSION, EXCHANGE, REFUSED])
  expect(stdout.trimEnd().split('\n')).toEqual([
    expect.stringMatching(/^TIME +OUTCOME +ACTION$/),
    expect.stringMatching(/^2026-09-21T14:00:00Z {2}done +agent\.suspend$/),
    `    actor agent:${WORKER}`,
    `    subject ${WORKER}`,
    '    reason a; b',
    '    id id-2',
    expect.stringMatching(/^2026-09-21T14:00:00Z {2}done +token\.exchange$/),
    `    actor agent:${WORKER}`,
    '    subject jti-1',
    `    actor ${WORKER}`,
    `    principal ${SHOP}`,
    '    grants ["g0","g1"]',
    '    scope ["read;all"]',
    '    audience ["https://api.shop.test"]',
    '    id id-1',
    expect.stringMatching(/^2026-09-21T14:00:00Z {2}refused +token\.exchange$/),
    `    actor agent:${WORKER}`,
    '    subject jti-1',
    '    reason GRANT_EXPIRED',
    '    id id-3',
  ])
})

it('audit prints lines that fit a terminal of 80 columns, and cuts nothing away', async () => {
  const word = 'x'.repeat(200)
  const reason = `${'long words and '.repeat(20)}${word} end`
  const domain = `${'a'.repeat(60)}.${'b'.repeat(60)}.example`
  const record = {
    ...SUSPENSION,
    at: '2026-09-21T14:00:00.123Z',
    reason,
    subject: `did:agent:${domain}:${'0'.repeat(32)}`,
  }
  const { stdout } = await audit([{ ...record, id: 'aaaaaaaa-1111-7111-8111-111111111111', key_label: 'l'.repeat(32) }])
  const lines = stdout.trimEnd().split('\n')
  expect(lines.filter((line) => line.length > 80)).toEqual([])
  const said = lines.map((line) => line.trim()).join('')
  expect(said.replaceAll(' ', '')).toContain(reason.replaceAll(' ', ''))
  expect(said).toContain(record.subject)
})

it('audit list --quiet prints one line for each record, with the whole reason', async () => {
  const { stdout } = await audit([EXCHANGE, SUSPENSION], '--quiet')
  const lines = stdout.trimEnd().split('\n')
  expect(lines).toHaveLength(2)
  expect(lines[0]).toContain(EXCHANGE.reason)
})
