import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli } from '../../../../test/support/cli.ts'
import { delegatedPayload } from '../../../../test/support/delegated-tokens.ts'
import { type ChainServer, chainServer } from '../../../../test/support/delegation/chain-server.ts'
import { CHAIN_ISSUER, GRANT_KEY, holderDid, holderKey, OPERATOR } from '../../../../test/support/grant-chains.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'a4a-tokens-'))
})
afterAll(() => rm(folder, { recursive: true }))

const NOW_S = 1_790_000_000
const SHOP = 'https://shop.example'
const AGENTS = [0, 1, 2].map((depth) => ({
  did: holderDid(holderKey(depth)),
  operatorId: OPERATOR,
  publicKey: holderKey(depth).publicKey,
}))
const [PRINCIPAL = '', MIDDLE = '', ACTOR = ''] = AGENTS.map(({ did }) => did)

/** Signs a delegated token with the key that the server of the chains publishes. */
function token(edits: object = {}): string {
  const times = { iat: NOW_S, nbf: NOW_S, exp: NOW_S + 900 }
  const lineage = AGENTS.map(({ did, operatorId }, at) => ({
    did,
    operatorId,
    epoch: [1, 1] as const,
    id: `grant-${at}`,
    kid: GRANT_KEY.kid,
  }))
  const claims = { ...delegatedPayload(AGENTS, { iss: CHAIN_ISSUER, jti: 'token-1', ...times, lineage }), ...edits }
  const header = { alg: 'Ed25519', typ: 'at+jwt', kid: GRANT_KEY.kid }
  const signed = [header, claims].map((part) => encodeBase64url(Buffer.from(JSON.stringify(part)))).join('.')
  return `${signed}.${encodeBase64url(GRANT_KEY.signNow(Buffer.from(signed)))}`
}

async function run(command: readonly string[], text: string, server?: ChainServer, atS = NOW_S + 1) {
  const file = join(folder, 'token.txt')
  await writeFile(file, `${text}\n`)
  const at = server === undefined ? [] : ['--server', CHAIN_ISSUER]
  const line = command.map((word) => word.replace('FILE', file))
  return runCli([...line, ...at], { home: folder, now: () => atS * 1000, ...(server && { fetch: server.fetch }) })
}

describe('grant inspect of a delegated token', () => {
  it('shows who acts for whom, what the token allows, and its state', async () => {
    const server = chainServer()
    const { code, stdout } = await run(['grant', 'inspect', 'FILE'], token(), server)
    const wide = PRINCIPAL.length
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: [
        'delegated token',
        '',
        'state: valid',
        '',
        `issuer: ${CHAIN_ISSUER}`,
        `audience: [${SHOP}]`,
        'expires_at: 2026-09-21T14:28:20Z',
        'jti: token-1',
        `bound to: ${holderKey(2).kid}`,
        "issuer's signature: checked",
        'revocation: checked',
        '',
        `PARTY  NAME${' '.repeat(wide - 4)}  ROLE`,
        `0      ${PRINCIPAL}  principal: its authority is used`,
        `1      ${MIDDLE}  handed the authority on`,
        `2      ${ACTOR}  actor: it makes the calls`,
        '',
        'allows',
        `  ${SHOP}#pay with amount: at most 500`,
        `  ${SHOP}#read with any arguments`,
        '',
      ].join('\n'),
    })
    expect(server.verified).toEqual([{ token: token(), delegation: 'inspect' }])
  })

  it('says which party has ended', async () => {
    const server = chainServer({ reason: 'AGENT_TOKENS_ENDED', hop: 1 })
    const { code, stdout } = await run(['grant', 'inspect', 'FILE'], token(), server)
    expect(code).toBe(1)
    expect(stdout).toContain('state: AGENT_TOKENS_ENDED')
    expect(stdout).toContain(`1      ${MIDDLE}  handed the authority on           ended`)
    expect(stdout).toContain('refused: AGENT_TOKENS_ENDED\nparty: 1')
  })

  it.each<[string, string, ChainServer | undefined, number, string]>([
    ['whose act is another', token({ act: { sub: MIDDLE } }), undefined, 1, 'MALFORMED_TOKEN'],
    ['with a wrong signature', `${token().slice(0, -8)}AAAAAAAA`, chainServer(), 1, 'SIGNATURE_INVALID'],
    ['with another issuer', token({ iss: SHOP }), chainServer(), 1, 'WRONG_ISSUER'],
    ['that has expired', token(), undefined, 911, 'TOKEN_EXPIRED'],
  ])('exits with 1 for a token %s', async (_, text, server, afterS, reason) => {
    const ran = await run(['grant', 'inspect', 'FILE', '--quiet'], text, server, NOW_S + afterS)
    expect(ran).toMatchObject({ code: 1, stdout: `${reason}\n` })
  })

  it('without a server says what was not checked, as text and as JSON', async () => {
    const { code, stdout } = await run(['grant', 'inspect', 'FILE', '--offline'], token())
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('no server was asked') })
    const json = await run(['grant', 'inspect', 'FILE', '--offline', '--json'], token())
    expect(JSON.parse(json.stdout)).toMatchObject({
      valid: true,
      parties: AGENTS.map(({ did }, at) => ({ did, operator_id: OPERATOR, grant_id: `grant-${at}` })),
      cnf: { jkt: holderKey(2).kid },
      issuer_signature: 'not checked',
      revocation: 'not checked',
    })
  })
})

it('verify refuses a delegated token, and says which command shows it', async () => {
  const { code, stdout } = await run(['token', 'verify', '--token', '@FILE'], token(), chainServer())
  expect(code).toBe(1)
  expect(stdout).toContain('reason: DELEGATION_NOT_ACCEPTED: The token is used for another agent')
  expect(stdout).toContain('advice: auth4agent grant inspect shows who acts for whom')
})
