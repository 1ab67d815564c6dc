// Asks Auth4Agent about tokens for mod_auth_openidc, which cannot sign with the Ed25519 key of an agent. Reads
// agent.json and agent.jwk in the folder AUTH4AGENT_HOME.
import { createPrivateKey, randomUUID, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import process from 'node:process'
import { text as readText } from 'node:stream/consumers'

const { AUTH4AGENT_ISSUER: issuer, AUTH4AGENT_HOME: home, PORT: port } = process.env
const read = (name) => JSON.parse(readFileSync(join(home, name), 'utf8'))
const { did } = read('agent.json')
const key = createPrivateKey({ format: 'jwk', key: read('agent.jwk') })

const say = (text) => process.stderr.write(`${text}\n`)
const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Returns a new client assertion (RFC 7523 section 3). The server accepts each assertion once. */
function clientAssertion() {
  const claims = { iss: did, sub: did, aud: issuer, exp: Math.floor(Date.now() / 1000) + 60, jti: randomUUID() }
  const input = `${encode({ alg: 'EdDSA', typ: 'client-authentication+jwt' })}.${encode(claims)}`
  return `${input}.${sign(null, Buffer.from(input), key).toString('base64url')}`
}

async function introspect(token) {
  const body = new URLSearchParams({
    token,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: clientAssertion(),
  })
  const signal = AbortSignal.timeout(5_000)
  const answer = await fetch(`${issuer}/oauth/introspect`, { method: 'POST', body, signal, redirect: 'error' })
  if (answer.status !== 200) throw new Error(`Auth4Agent answered ${answer.status}: ${await answer.text()}`)
  const told = await answer.json()
  // Apache checks no DPoP proof. Delegated tokens are bound too: their subject is not the caller.
  return told.token_type === 'Bearer' ? told : { active: false }
}

async function answer(request, response) {
  response.setHeader('content-type', 'application/json')
  try {
    const token = new URLSearchParams(await readText(request)).get('token') ?? ''
    response.end(JSON.stringify(token === '' ? { active: false } : await introspect(token)))
  } catch (error) {
    say(String(error))
    response.writeHead(503).end('{"error":"temporarily_unavailable"}')
  }
}

const server = createServer((request, response) => void answer(request, response))
server.listen(Number(port), '127.0.0.1', () => say(`introspect.mjs listens on 127.0.0.1:${port}`))
