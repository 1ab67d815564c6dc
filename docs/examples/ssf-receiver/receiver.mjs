/**
 * Receives security events of an Auth4Agent server (RFC 8417). Needs Node 24 and no package.
 *
 * Usage: AUTHORIZATION='Bearer SECRET' node receiver.mjs ISSUER AUDIENCE FILE [PORT | poll]
 *
 * AUDIENCE is the `aud` of the stream. With a port, the server pushes the events (RFC 8935), and AUTHORIZATION is the
 * `authorization_header` of the delivery. With `poll`, the program asks for events until there are no more (RFC 8936),
 * and AUTHORIZATION has a token of an agent with the scope `ssf.manage`. Each event becomes one line of FILE before it
 * is acknowledged, so FILE has every event once and in order, even if this program is killed.
 */
import { createHash, createPublicKey, timingSafeEqual, verify } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs'
import { createServer } from 'node:http'

const [issuer, audience, file, how = '8081'] = process.argv.slice(2)
const MAX_BYTES = 64 * 1024
const MIN_REFRESH_MS = 10_000

/** What is wrong with a token, by the names of RFC 8935 section 2.4. */
class Refusal extends Error {
  constructor(err, description) {
    super(description)
    this.err = err
  }
}

// A line that was cut off when the program was killed was never acknowledged, so the event comes again.
const whole = read(file).replace(/[^\n]*$/, '')
const seen = new Set(whole.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line).jti])))
const output = openSync(file, 'a')
truncateSync(file, Buffer.byteLength(whole))

let keys = new Map()
let refreshedAt = Number.NEGATIVE_INFINITY
const { jwks_uri: jwksUri } = await getJson(`${issuer}/.well-known/ssf-configuration`)

if (how === 'poll') await poll()
else listen(Number(how))

/** Lets the server push. */
function listen(port) {
  createServer((request, response) => void answer(request, response)).listen(port, '127.0.0.1', function ready() {
    console.log(`receives events on http://localhost:${this.address().port}/, and has ${seen.size}`)
  })
}

/** Asks for events until there are no more. Each request acknowledges the events of the answer before it. */
async function poll() {
  for (let ack = []; ; ) {
    const headers = { authorization: process.env.AUTHORIZATION ?? '', 'content-type': 'application/json' }
    const body = JSON.stringify({ returnImmediately: true, ack })
    const { sets } = await getJson(`${audience}/poll`, { method: 'POST', headers, body })
    ack = Object.keys(sets)
    for (const token of Object.values(sets)) keepOnce(await checked(token))
    if (ack.length === 0) return
  }
}

/** Answers one request. */
async function answer(request, response) {
  try {
    keepOnce(await receive(request))
    response.writeHead(202).end()
  } catch (error) {
    // Only a refusal is final. Anything else is answered with 500, and the event comes again.
    if (error instanceof Refusal) refuse(response, error)
    else response.writeHead(500).end()
  }
}

function refuse(response, { err, message }) {
  const body = JSON.stringify({ err, description: message })
  response.writeHead(400, { 'content-type': 'application/json', 'content-language': 'en' }).end(body)
}

/** Reads and verifies one request. Returns its event. */
async function receive(request) {
  if (!isEqual(request.headers.authorization ?? '', process.env.AUTHORIZATION ?? ''))
    throw new Refusal('authentication_failed', 'The Authorization header is wrong')
  if (request.method !== 'POST' || request.headers['content-type'] !== 'application/secevent+jwt')
    throw new Refusal('invalid_request', 'Send a security event token')
  return checked(await bodyOf(request))
}

/** Verifies a security event token, and returns its event. */
async function checked(token) {
  const claims = await verified(token)
  const events = Object.entries(claims.events ?? {})
  if (claims.iss !== issuer) throw new Refusal('invalid_issuer', `iss must be ${issuer}`)
  if (![claims.aud].flat().includes(audience)) throw new Refusal('invalid_audience', `aud must be ${audience}`)
  if (typeof claims.jti !== 'string' || 'sub' in claims || 'exp' in claims || events.length !== 1)
    throw new Refusal('invalid_request', 'The token is no SSF event')
  const [[type, details]] = events
  return { jti: claims.jti, type, sub_id: claims.sub_id, details }
}

/** Verifies the signature of a token, and returns its claims. */
async function verified(token) {
  const [head = '', payload = '', signature = '', ...rest] = token.split('.')
  const header = parse(head)
  if (header.typ !== 'secevent+jwt' || header.alg !== 'RS256' || 'crit' in header || rest.length > 0)
    throw new Refusal('invalid_request', 'The token must be a secevent+jwt that is signed with RS256')
  const key = await keyOf(header.kid)
  const signed = Buffer.from(`${head}.${payload}`)
  if (key === undefined || !verify('sha256', signed, key, Buffer.from(signature, 'base64url')))
    throw new Refusal('invalid_key', 'No published key verifies the token')
  return parse(payload)
}

/** Finds a key by its id. Reads the keys again when it does not know the id, because they rotate, but not too often. */
async function keyOf(kid) {
  if (!keys.has(kid)) {
    if (performance.now() - refreshedAt < MIN_REFRESH_MS) throw new Error('The keys were read a moment ago')
    const set = await getJson(jwksUri)
    refreshedAt = performance.now()
    keys = new Map(set.keys.map((jwk) => [jwk.kid, createPublicKey({ key: jwk, format: 'jwk' })]))
  }
  return keys.get(kid)
}

/** Stores an event for good, unless it is stored already. This is where your program would end sessions. */
function keepOnce(event) {
  if (seen.has(event.jti)) return
  writeSync(output, `${JSON.stringify(event)}\n`)
  fsyncSync(output)
  seen.add(event.jti)
  console.log(event.type.split('/').at(-1), JSON.stringify(event.sub_id), event.details.reason_admin?.en ?? '')
}

async function bodyOf(request) {
  const chunks = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    if (size > MAX_BYTES) throw new Refusal('invalid_request', 'The token is too long')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

function parse(part) {
  try {
    return Object(JSON.parse(Buffer.from(part, 'base64url').toString()))
  } catch {
    throw new Refusal('invalid_request', 'The token is no JWT')
  }
}

async function getJson(url, init = {}) {
  const answer = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(5_000), ...init })
  if (!answer.ok) throw new Error(`${url} answered with status ${answer.status}`)
  return answer.json()
}

function read(path) {
  const at = openSync(path, 'a+')
  try {
    return readFileSync(at, 'utf8')
  } finally {
    closeSync(at)
  }
}

/** Compares two texts in a time that does not depend on them. */
function isEqual(one, other) {
  const [a, b] = [one, other].map((text) => createHash('sha256').update(text).digest())
  return timingSafeEqual(a, b)
}
