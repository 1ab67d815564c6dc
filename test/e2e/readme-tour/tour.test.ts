import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { JWKS_KINDS, KINDS } from '../../support/signing-keys.ts'
import { until } from '../../support/until.ts'
import { blocks, readDocument, startTour, type Tour } from './tour.ts'

let tour: Tour

const paste = (text: string) => tour.paste(text)

/** Returns the error output of blocks that failed. */
function outputOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'stderr' in error ? String(error.stderr) : String(error)
}

/**
 * Returns the first line of step 1. It sets the PATH of the tool and the folder of the tour for docs/signing-keys.md.
 */
async function pathLine(): Promise<string> {
  const [first = ''] = await blocks('README.md', 'sh')
  return first.split('\n')[0] ?? ''
}

async function publishedKids(): Promise<string[]> {
  const response = await fetch(`${tour.server.baseUrl}/.well-known/jwks.json`)
  const { keys } = (await response.json()) as { keys: { kid: string }[] }
  return keys.map(({ kid }) => kid)
}

beforeAll(async () => {
  tour = await startTour({
    // With these settings a new signing key is ready within seconds, and not minutes.
    AUTH4AGENT_JWKS_MAX_AGE: '1s',
    AUTH4AGENT_CLOCK_SKEW: '0s',
    AUTH4AGENT_SCHEDULE_INTERVAL: '1s',
  })
})

afterAll(() => tour.stop())

describe('the tour in clients/by-hand.md', () => {
  it('creates a token that is valid, and then revokes it, with curl', async () => {
    const output = await paste((await blocks('clients/by-hand.md', 'sh')).join('\n'))
    const lines = output.trim().split('\n')
    const answers = lines.filter((line) => /^[[{]/.test(line)).map((line) => JSON.parse(line) as unknown)
    expect(answers).toMatchObject([
      { txt_record_name: expect.stringMatching(/^_auth4agents\.acme-\w{6}\.test$/) },
      { verified: true },
      { status: 'pending' },
      { updated: true, allowed_scopes: ['orders:read', 'orders:write'] },
      { valid: true, claims: { scope: 'orders:read' } },
      { jti: expect.any(String), revoked_at: expect.any(String) },
      { valid: false, revoked: true, reason: 'TOKEN_REVOKED' },
      { suspended_at: expect.any(String) },
      [{ action: 'agent.suspend' }, { action: 'token.revoke' }, { action: 'token.issue' }, {}, {}, {}, {}],
      { status: 'suspended' },
    ])
  })

  it('creates a token that is valid, and then revokes it, with gRPC tools', async () => {
    const steps = await blocks('clients/by-hand.md', 'sh')
    const functions = [0, 3].map((index) => steps[index]?.replace(/^(?:BODY=|curl)[\s\S]*/m, '') ?? '')
    const output = await paste([...functions, ...(await blocks('clients/by-hand.md', 'sh grpc'))].join('\n'))
    expect(output).toMatch(
      /"verified":\s*true[\s\S]*"updated":\s*true[\s\S]*"valid":\s*true[\s\S]*"epoch":\s*2[\s\S]*"reason":\s*"OPERATOR_TOKENS_ENDED"/,
    )
  })
})

describe('the tour in README.md', () => {
  it('creates a token that is valid, and then revokes it, with the command line tool', async () => {
    const output = await paste((await blocks('README.md', 'sh')).join('\n'))
    expect(output).toMatch(
      new RegExp(
        [
          '^operator created$',
          'operator registered',
          '^name: _auth4agents\\.acme\\.test$',
          'operator verified',
          '^agent created$',
          'agent registered[^]+status: active',
          '^scopes set$[^]+^scopes: orders:read orders:write$',
          '^scope: orders:read$',
          '^written to data/tour/token$',
          '^valid: true$[^]+^scope: orders:read$[^]+^online verification: success$',
          '^token revoked$[^]+^jti: [^]+^revoked_at: ',
          '^valid: false$[^]+TOKEN_REVOKED[^]+^online verification: failed$[^]+^refused, as it should be$',
          '^npm install --ignore-scripts\n[^]*^private key exported$[^]+^written to data/tour/agent.jwk$',
          '^bearer token for orders:read$[^]+^active: true did:agent:acme\\.test:[^]+^active: false$',
          '^the tool says: did:agent:acme\\.test:',
          '^agent suspended$[^]+^suspended_at: ',
          ' agent\\.suspend$[^]+ token\\.issue$[^]+ token\\.revoke$[^]+ token\\.issue$[^]+ token\\.revoke$',
          '^problem +agent .* is suspended$[^]+^it has found the agent that is suspended$',
        ].join('[^]+'),
        'm',
      ),
    )
    expect(output).not.toMatch(/eyJ/)
    expect((await stat(join(tour.folder, 'data/tour/token'))).mode & 0o777).toBe(0o600)
  })

  it('rotates, marks as compromised and imports signing keys with the commands of docs/signing-keys.md', async () => {
    const toolPath = await pathLine()
    const [look, rotate, ...others] = await blocks('docs/signing-keys.md', 'sh keys')
    const rotated = await until(
      () => paste([toolPath, look, rotate].join('\n')).catch(outputOf),
      (output) => !output.includes('KEY_NOT_READY'),
    )
    expect(rotated.match(/ active {2,}active /g)?.length).toBe(2 * KINDS.length)
    const before = await until(publishedKids, (kids) => kids.length === 4 * JWKS_KINDS.length)
    const output = await paste([toolPath, look, ...others].join('\n'))
    expect(before).toContain(/^[\w-]{43}$/m.exec(output)?.[0])
    const marked = output.match(/^key marked as compromised$|^[\w-]{43} .* (?:prepared|retiring|active)$/gm)
    expect(marked?.length).toBeGreaterThanOrEqual(before.length)
    expect(output).toMatch(
      /all tokens of the deployment ended[^]+alg: ES256\nstate: prepared[^]+ token_signing_alg: EdDSA -> ES256$/m,
    )
    const after = await publishedKids()
    expect(before.filter((kid) => after.includes(kid))).toEqual([])
  })

  it('changes one member of the policy with the commands of the documents, and weakens no other', async () => {
    const toolPath = await pathLine()
    const get = async () =>
      JSON.parse(await paste(`${toolPath}\nauth4agent policy show --json`)) as { audiences: object[] }
    const { audiences, ...settings } = await get()
    expect(settings).toMatchObject({ require_body_digest: true })
    await paste([toolPath, ...(await blocks('docs/status-lists.md', 'sh policy'))].join('\n'))
    expect(await get()).toEqual({
      ...settings,
      etag: expect.any(String),
      audiences: [{ ...audiences[0], token_status: 'status_list' }],
    })
    expect(audiences).toMatchObject([{ token_signing_alg: 'ES256' }])
  })

  it('marks no key as compromised when the name of the key is missing', async () => {
    const [, , , compromise = ''] = await blocks('docs/signing-keys.md', 'sh keys')
    const asked = join(tour.folder, 'asked')
    const deaf = `auth4agent() { case "$*" in *compromise*) touch '${asked}' ;; esac; }`
    expect(await paste(`${deaf}\n${compromise}`).catch(outputOf)).toContain('KID')
    await expect(stat(asked)).rejects.toThrow('ENOENT')
  })

  it('can be repeated on the same server', async () => {
    const [, again = ''] =
      /To\s+repeat\s+the\s+tour\s+with\s+new\s+keys,\s+begin\s+with\s+`([^`]+)`/.exec(
        await readDocument('README.md'),
      ) ?? []
    const [first = ''] = await blocks('README.md', 'sh')
    expect(await paste([await pathLine(), again, first].join('\n'))).toMatch(/domain given up[^]+operator verified/)
  })
})
