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
  runCli(['audit', ...flags], { home, fetch: async () => Response.json(records) })

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'a4a-audit-'))
  await runCli(['init', '--operator', '--domain', 'shop.test', '--server', 'http://localhost:1234'], { home })
  await updateOperatorConfig(join(home, '.auth4agents'), { id: 'aaaaaaaa-1111-8111-8111-111111111111' })
})
afterEach(() => rm(home, { recursive: true }))

it('audit prints who acted for whom below the row of an exchange, each fact in its own line', async () => {
  const { stdout } = await audit([SUSPENSION, EXCHANGE, REFUSED])
  const [header, suspension, exchange, ...facts] = stdout.trimEnd().split('\n')
  expect(header).toMatch(/^TIME +OUTCOME +ACTION +ACTOR +KEY +SUBJECT +REASON +ID$/)
  expect(suspension).toMatch(/ {2}a; b +id-2$/)
  expect(exchange).toMatch(/^2026-09-21T14:00:00Z {2}done +token\.exchange {2}agent:\S+ +jti-1 +id-1$/)
  expect(facts).toEqual([
    `    actor ${WORKER}`,
    `    principal ${SHOP}`,
    '    grants ["g0","g1"]',
    '    scope ["read;all"]',
    '    audience ["https://api.shop.test"]',
    expect.stringMatching(/refused +token\.exchange .* GRANT_EXPIRED +id-3$/),
  ])
})

it('audit --quiet prints one line for each record, with the whole reason', async () => {
  const { stdout } = await audit([EXCHANGE, SUSPENSION], '--quiet')
  const lines = stdout.trimEnd().split('\n')
  expect(lines).toHaveLength(2)
  expect(lines[0]).toContain(EXCHANGE.reason)
})
