import { readFile, stat, writeFile } from 'node:fs/promises'
import { importJWK, jwtVerify, SignJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type AgentHome, createAgentHome } from '../../../../test/support/sdk/agent-home.ts'

let home: AgentHome

beforeEach(async () => {
  home = await createAgentHome()
})
afterEach(() => home[Symbol.asyncDispose]())

/** Checks that a text is the agent's private key as a JWK. */
async function expectKey(text: string): Promise<void> {
  const jwk = JSON.parse(text)
  expect(jwk).toMatchObject({ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', kid: home.jkt })
  const signed = await new SignJWT({}).setProtectedHeader({ alg: 'EdDSA' }).sign(await importJWK(jwk))
  const x = Buffer.from(home.publicKey).toString('base64url')
  await expect(jwtVerify(signed, await importJWK({ kty: 'OKP', crv: 'Ed25519', x }, 'EdDSA'))).resolves.toBeDefined()
}

describe('agent-key export', () => {
  it('writes a new file that only its owner can read, and prints no part of the key', async () => {
    const output = home.path('agent.jwk')
    const { code, stdout, stderr } = await home.tool(['agent-key', 'export', '--output', output])
    expect(code).toBe(0)
    await expectKey(await readFile(output, 'utf8'))
    expect((await stat(output)).mode & 0o777).toBe(0o600)
    expect(stdout).toBe(`private key exported\n\ndid: ${home.did}\nkid: ${home.jkt}\n\nwritten to ${output}\n`)
    const { d } = JSON.parse(await readFile(output, 'utf8'))
    expect(stdout + stderr).not.toContain(d)
    const json = await home.tool(['agent-key', 'export', '--output', home.path('other.jwk'), '--json'])
    expect(JSON.parse(json.stdout)).toEqual({ output: home.path('other.jwk'), did: home.did, kid: home.jkt })
  })

  it('never replaces a file', async () => {
    const output = home.path('agent.jwk')
    await writeFile(output, 'precious')
    expect(await home.tool(['agent-key', 'export', '--output', output])).toMatchObject({ code: 4, stdout: '' })
    expect(await readFile(output, 'utf8')).toBe('precious')
  })

  it('writes to standard output only if asked, with a warning on standard error', async () => {
    const { code, stdout, stderr } = await home.tool(['agent-key', 'export', '--output', '-'])
    expect(code).toBe(0)
    await expectKey(stdout)
    expect(stderr).toContain(`the private key of ${home.did}: anyone who has it can act as the agent`)
    for (const mode of ['--quiet', '--json']) {
      const other = await home.tool(['agent-key', 'export', '--output', '-', mode])
      expect(other.stderr).toBe('')
      await expectKey(other.stdout)
    }
    expect(await home.tool(['agent-key', 'export'])).toMatchObject({ code: 2, stdout: '' })
  })
})
