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
      '--dpop-proof',
      `@${proof}`,
      '--json',
    ])
    expect(JSON.parse(stdout)).toEqual({ accepted: null, not_checked: ['callers'], proof: 'valid' })
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
    expect((await explain(chainOf(1))).stdout).toContain('valid: nothing is wrong')
  })

  it('asks the server about the call, by the rule by which it verifies chains, and uses up no proof', async () => {
    const server = chainServer()
    const flags = [...(await ACCEPTED.flags()), '--json']
    const { code, stdout } = await explain(ACCEPTED.chain, flags, server)
    expect({ code, ...JSON.parse(stdout) }).toEqual({ code: 0, accepted: true, proof: 'valid' })
    expect(server.verified).toEqual([
      { token: ACCEPTED.chain, delegation: 'inspect' },
      {
        token: ACCEPTED.chain,
        delegation: 'accept',
        audience: ['https://pay.acme.test'],
        scope: 'pay',
        arguments: { amount: 1, file: '/data/a/x' },
        proof_checked: true,
      },
    ])
  })

  it.each([
    ['OPERATOR_NOT_TRUSTED', 0],
    ['ACTOR_NOT_TRUSTED', 1],
  ] as const)('says with %s that the owner of the audience does not let a holder call', async (reason, hop) => {
    const server = chainServer({ reason, hop, onlyCalls: true })
    const { code, stdout } = await explain(chainOf(1), ['--capability', READ, '--json'], server)
    expect({ code, ...JSON.parse(stdout) }).toEqual({
      code: 1,
      accepted: false,
      reason,
      hop,
      means: verdicts[reason],
      rule: 'the operator that owns the audience https://api.acme.test must let every holder of the chain call it',
      compared: { grant: 'a holder of the domain acme.test' },
      advice:
        'The owner of the audience can list the domain: `auth4agent policy set --audience https://api.acme.test --add-caller acme.test`.',
    })
    const { stdout: text } = await explain(chainOf(1), ['--capability', READ], server)
    expect(text).toMatch(new RegExp(`^refused: ${reason}\ngrant: ${hop}\nholder: did:agent:acme.test:`))
  })

  it('says what the server says of a chain that ends before it is asked about the call', async () => {
    const server = chainServer({ reason: 'AGENT_TOKENS_ENDED', hop: 0, onlyCalls: true })
    const { code, stdout } = await explain(chainOf(1), ['--capability', READ, '--json'], server)
    expect({ code, ...JSON.parse(stdout) }).toMatchObject({ code: 1, reason: 'AGENT_TOKENS_ENDED', hop: 0 })
  })

  it.each<[string, readonly string[], string]>([
    ['a chain', [], 'unknown: nothing is wrong with the form and the times of the chain, but no server was asked'],
    ['a call', ['--capability', READ], 'unknown: the grants allow the call, but no server was asked'],
  ])('never says that %s is accepted if no server was asked, and says what was not checked', async (_, flags, text) => {
    const server = chainServer()
    const notChecked =
      'the signatures of the server, revocations, and whether the owner of the audience lets every holder of the chain call it'
    const told = await explain(chainOf(1), ['--offline', ...flags], server)
    expect(told).toEqual({ code: 3, stderr: '', stdout: `${text}\nnot checked: ${notChecked}\n` })
    const { stdout } = await explain(chainOf(1), ['--offline', '--json', ...flags], server)
    const not_checked = ['issuer_signatures', 'revocation', 'callers']
    expect(JSON.parse(stdout)).toEqual({ accepted: null, not_checked })
    expect((await explain(chainOf(1), ['--offline', '--quiet', ...flags], server)).stdout).toBe('unknown\n')
    expect(server.verified).toEqual([])
  })

  it('says nothing of a call if the server does not answer the question about it', async () => {
    const server = chainServer()
    const fetch: typeof globalThis.fetch = async (input, init) => {
      if (typeof init?.body === 'string' && init.body.includes('"accept"')) throw new TypeError('fetch failed')
      return server.fetch(input, init)
    }
    const { code, stdout, stderr } = await explain(chainOf(1), ['--capability', READ], { ...server, fetch })
    expect({ code, stdout, stderr }).toEqual({ code: 3, stdout: '', stderr: expect.stringContaining('NETWORK_ERROR') })
  })

  it.each([
    ['--arguments without --capability', ['--arguments', '{}'], '--arguments must come with --capability'],
    ['a capability without a scope', ['--capability', 'https://pay.acme.test'], 'must be an audience and a scope'],
    ['arguments that are no object', ['--capability', PAY, '--arguments', '[]'], 'must be a JSON object'],
    ['a proof without a request', ['--dpop-proof', 'x'], '--method and --url must come together'],
    ['a URL without a method', ['--url', 'https://pay.acme.test'], '--method and --url must come together'],
    ['a relative URL', ['--method', 'POST', '--url', '/pay'], '--url must be an absolute http or https URL'],
  ])('refuses %s', async (_name, flags, message) => {
    expect(await explain(chainOf(0), flags)).toMatchObject({ code: 2, stderr: expect.stringContaining(message) })
  })
})
