import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { grantRefusals } from '@auth4agent/core/delegation/refusal'
import { verdicts } from '@auth4agent/core/token/verdicts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CliResult, runCli } from '../../../../test/support/cli.ts'
import { CHAIN_TIME_MS, type ChainServer, chainServer } from '../../../../test/support/delegation/chain-server.ts'
import { ACCEPTED, EXPLAIN_CASES, filesProof } from '../../../../test/support/delegation/explain-cases.ts'
import { CHAIN_ISSUER, chainOf, details, PAY, READ } from '../../../../test/support/grant-chains.ts'
import { refusalAdvice } from '../grants/refusal-advice.ts'

const EXPLAINED = join(import.meta.dirname, '../../../../test/support/delegation/explained.txt')

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'a4a-explain-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** Runs `grant explain` with a chain in a file. */
async function explain(
  chain: string,
  flags: readonly string[] = [],
  server: ChainServer = chainServer(),
): Promise<CliResult> {
  const file = join(folder, 'chain.txt')
  await writeFile(file, `${chain}\n`)
  const options = { home: folder, now: () => CHAIN_TIME_MS, fetch: server.fetch }
  return runCli(['grant', 'explain', file, '--server', CHAIN_ISSUER, ...flags], options)
}

/** What the command writes for each case, by the title of the case. The text has no lines `means` and `advice`. */
const explained = new Map(
  (await readFile(EXPLAINED, 'utf8'))
    .split(/^## /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf('\n')), section.slice(section.indexOf('\n') + 1).trim()]),
)

const titled = EXPLAIN_CASES.map((each) => ({ ...each, title: `${each.row} ${each.name}` }))
const withoutAdvice = (text: string) => text.replaceAll(/^(?:means|advice): .*\n/gm, '').trim()

describe('grant explain', () => {
  it.each(titled)(
    'names the grant, the rule and the values for the refusal $title',
    async ({ title, chain, flags }) => {
      const { code, stdout, stderr } = await explain(chain, flags)
      expect({ code, stderr, text: withoutAdvice(stdout) }).toEqual({ code: 1, stderr: '', text: explained.get(title) })
      const reason = /^refused: (.*)$/m.exec(stdout)?.[1] ?? ''
      const means: Readonly<Record<string, string>> = { ...verdicts, ...grantRefusals }
      const advice: Readonly<Record<string, string>> = refusalAdvice
      expect(stdout).toContain(`\nmeans: ${means[reason]}\n`)
      expect(stdout).toMatch(/^rule: .* must /m)
      expect(stdout).toContain(`\nadvice: ${advice[reason] ?? 'The holder of grant 1 must make a new proof'}`)
    },
  )

  it('has a case for each of the 41 refusals, for each reason, and no other text', () => {
    const rows = new Set(EXPLAIN_CASES.map(({ row }) => row))
    expect([...rows]).toEqual(Array.from({ length: 41 }, (_, at) => at + 1))
    expect([...explained.keys()]).toEqual(titled.map(({ title }) => title))
    const reasons = new Set([...explained.values()].map((text) => /^refused: (.*)$/m.exec(text)?.[1]))
    const missing = Object.keys(grantRefusals).filter((reason) => !reasons.has(reason))
    // The tests below have it: no row is about a call that needs another capability.
    expect(missing).toEqual(['CAPABILITY_MISSING'])
  })

  it('writes what it says as JSON, too', async () => {
    const chain = chainOf(1, {
      1: { claims: { authorization_details: details({ [PAY]: { amount: { constraint_type: 'range', max: 501 } } }) } },
    })
    const { code, stdout } = await explain(chain, ['--json'])
    expect({ code, ...JSON.parse(stdout) }).toEqual({
      code: 1,
      accepted: false,
      reason: 'CONSTRAINT_WIDENED',
      hop: 1,
      means: grantRefusals.CONSTRAINT_WIDENED,
      rule: `in "${PAY}", the constraint of the argument "amount" must be as narrow as the parent's`,
      compared: { grant: `${PAY} with amount: at most 501`, parent: `${PAY} with amount: at most 500` },
      advice: refusalAdvice.CONSTRAINT_WIDENED,
    })
  })

  it.each<[string, readonly string[], string, number | undefined]>([
    ['an allowed call', ['--capability', PAY, '--arguments', '{"amount":500}'], 'accepted', undefined],
    ['another capability', ['--capability', 'https://pay.acme.test#other'], 'CAPABILITY_MISSING', 0],
    ['a capability of the root only', ['--capability', READ], 'CAPABILITY_MISSING', 1],
  ])('checks %s', async (_name, flags, result, hop) => {
    const capabilities = details({ [PAY]: { amount: { constraint_type: 'range', max: 500 } } })
    const chain = chainOf(1, { 1: { claims: { authorization_details: capabilities } } })
    const { code, stdout } = await explain(chain, [...flags, '--json'])
    expect({ code, ...JSON.parse(stdout) }).toMatchObject(
      hop === undefined ? { code: 0, accepted: true } : { code: 1, reason: result, hop },
    )
  })

  it('says that nothing is wrong with a call and its proof, and until when a service accepts the proof once', async () => {
    const { code, stdout } = await explain(ACCEPTED.chain, await ACCEPTED.flags())
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: [
        'accepted: the chain allows the call',
        'proof: valid for this request; a service accepts it once. When it sees the proof again, it answers PROOF_REPLAYED. No service accepts it after 2026-09-21T14:24:40Z',
        '',
      ].join('\n'),
    })
  })

  it('reads a proof from a file', async () => {
    const proof = join(folder, 'proof.txt')
    await writeFile(proof, await filesProof())
    const url = 'https://pay.acme.test/pay'
    const { stdout } = await explain(ACCEPTED.chain, [
      '--method',
      'POST',
      '--url',
      url,
      '--proof',
      `@${proof}`,
      '--json',
    ])
    expect(JSON.parse(stdout)).toEqual({ accepted: true, proof: 'valid' })
  })

  it('checks no proof of a chain that is refused', async () => {
    const { stdout } = await explain(chainOf(1, { 1: { claims: { del_depth: 2 } } }), [
      '--method',
      'POST',
      '--url',
      'https://pay.acme.test/pay',
    ])
    expect(stdout).toContain('refused: DEPTH_OUT_OF_SEQUENCE\n')
  })

  it('says that the server refuses a revoked chain, and that nothing is wrong with another', async () => {
    const revoked = chainServer({ reason: 'AGENT_TOKENS_ENDED', hop: 0 })
    expect((await explain(chainOf(1), [], revoked)).stdout).toContain('refused: AGENT_TOKENS_ENDED\ngrant: 0')
    expect((await explain(chainOf(1))).stdout).toContain('accepted: nothing is wrong')
  })

  it.each([
    ['--arguments without --capability', ['--arguments', '{}'], '--arguments must come with --capability'],
    ['a capability without a scope', ['--capability', 'https://pay.acme.test'], 'must be an audience and a scope'],
    ['arguments that are no object', ['--capability', PAY, '--arguments', '[]'], 'must be a JSON object'],
    ['a proof without a request', ['--proof', 'x'], '--method and --url must come together'],
    ['a URL without a method', ['--url', 'https://pay.acme.test'], '--method and --url must come together'],
    ['a relative URL', ['--method', 'POST', '--url', '/pay'], '--url must be an absolute http or https URL'],
  ])('refuses %s', async (_name, flags, message) => {
    expect(await explain(chainOf(0), flags)).toMatchObject({ code: 2, stderr: expect.stringContaining(message) })
  })
})
