/**
 * Starts an OpenID provider on this machine with two users, Alice and Bob. A click signs in: it has no passwords.
 *
 * Usage: node identity-provider.mjs ISSUER
 *
 * ISSUER is the Auth4Agent server that sends people here.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { exportJWK, generateKeyPair } from 'jose'
import { Provider } from 'oidc-provider'
import { tell } from './this-machine.mjs'

const [server] = process.argv.slice(2)
const NAMES = { alice: 'Alice Example', bob: 'Bob Example' }
const client = { id: 'auth4agent', secret: randomBytes(32).toString('hex') }

const listener = createServer().listen(0, '127.0.0.1')
await once(listener, 'listening')
const issuer = `http://localhost:${listener.address().port}`

const { privateKey } = await generateKeyPair('ES256', { extractable: true })
const provider = new Provider(issuer, {
  jwks: { keys: [{ ...(await exportJWK(privateKey)), kid: 'key-1', alg: 'ES256', use: 'sig' }] },
  clients: [{ client_id: client.id, client_secret: client.secret, redirect_uris: [`${server}/people/callback`] }],
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  claims: { openid: ['sub'], profile: ['name'], email: ['email'] },
  conformIdTokenClaims: false,
  cookies: { keys: [randomBytes(32).toString('hex')] },
  interactions: { url: (_context, { uid }) => `/login/${uid}` },
  features: { devInteractions: { enabled: false } },
  findAccount: (_context, sub) => ({ accountId: sub, claims: () => ({ sub, name: NAMES[sub] }) }),
  // What Auth4Agent asks for needs no page here: it asks about programs itself.
  async loadExistingGrant({ oidc }) {
    const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId })
    grant.addOIDCScope('openid profile email')
    await grant.save()
    return grant
  },
})
// The server chooses the end of its redirect URI when this provider is named there.
provider.Client.prototype.redirectUriAllowed = (uri) => uri.startsWith(`${server}/people/callback/`)

const page = (uid) => `<!doctype html><html lang="en"><meta name="viewport" content="width=device-width">
<title>Sign in</title><style>body{font:1rem/1.5 system-ui;max-width:24rem;margin:20vh auto;padding:0 1rem}
a{display:block;padding:.8rem 1rem;margin:.6rem 0;border:1px solid;border-radius:.5rem;text-decoration:none}</style>
<h1>Who are you?</h1><p>This is the identity provider of the demo. It has two users.</p>
${Object.entries(NAMES)
  .map(([sub, name]) => `<a href="/login/${uid}/${sub}">${name}</a>`)
  .join('\n')}`

async function answer(request, response) {
  const [, uid, sub] = /^\/login\/([\w-]+)(?:\/(\w+))?$/.exec(request.url ?? '') ?? []
  if (uid === undefined) return provider.callback()(request, response)
  if (sub === undefined) return response.writeHead(200, { 'content-type': 'text/html' }).end(page(uid))
  if (!Object.hasOwn(NAMES, sub)) return response.writeHead(404).end()
  return provider.interactionFinished(request, response, { login: { accountId: sub } })
}
listener.on('request', (request, response) => {
  answer(request, response).catch((error) => response.writeHead(400).end(String(error.message)))
})
tell({ issuer, client_id: client.id, client_secret: client.secret })
