/**
 * Gets a token for an agent, introspects it and revokes it, with openid-client alone.
 *
 * Usage: node get-token.mjs ISSUER FOLDER
 *
 * FOLDER has the agent's agent.json, and its key in agent.jwk (`auth4agent agent-key export`).
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as client from 'openid-client'

const [issuer, folder = '.'] = process.argv.slice(2)
const readJson = async (name) => JSON.parse(await readFile(join(folder, name), 'utf8'))
const { did } = await readJson('agent.json')
const key = await crypto.subtle.importKey('jwk', await readJson('agent.jwk'), 'Ed25519', false, ['sign'])

// Only a server on this machine may be without TLS.
const execute = new URL(issuer).hostname === 'localhost' ? [client.allowInsecureRequests] : []
const config = await client.discovery(new URL(issuer), did, undefined, client.PrivateKeyJwt(key), { execute })

const { access_token: token, ...answer } = await client.clientCredentialsGrant(config, {
  scope: 'orders:read',
  resource: 'https://api.acme.test',
})
console.log(answer.token_type, 'token for', answer.scope)
const { active, sub, aud } = await client.tokenIntrospection(config, token)
console.log('active:', active, sub, aud)
await client.tokenRevocation(config, token)
console.log('active:', (await client.tokenIntrospection(config, token)).active)
