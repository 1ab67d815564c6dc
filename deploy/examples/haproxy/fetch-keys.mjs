// Fetches the public keys of Auth4Agent for HAProxy, which cannot read a JWKS: node fetch-keys.mjs ISSUER FOLDER
// Writes FOLDER/<kid>.pem for each ES256 key, and FOLDER/keys.cfg, which verifies a token with the key of its kid.
import { createPublicKey } from 'node:crypto'
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import process from 'node:process'

const [issuer, path] = process.argv.slice(2)
const folder = resolve(path)

const answer = await fetch(`${issuer}/.well-known/jwks.json`, {
  redirect: 'error',
  signal: AbortSignal.timeout(10_000),
})
if (answer.status !== 200) throw new Error(`The JWKS was answered with ${answer.status}`)
const { keys } = await answer.json()
// A kid becomes a file name and a part of a configuration.
const es256 = keys.filter(({ alg, kid }) => alg === 'ES256' && /^[\w-]{1,128}$/.test(kid))
if (es256.length === 0) throw new Error('The JWKS has no ES256 key: choose ES256 for the audience first')

await mkdir(folder, { recursive: true })
for (const { kid, kty, crv, x, y } of es256) {
  const key = createPublicKey({ format: 'jwk', key: { kty, crv, x, y } })
  await writeFile(join(folder, `${kid}.pem`), key.export({ format: 'pem', type: 'spki' }))
}
const rules = es256.map(({ kid }) => {
  const file = join(folder, `${kid}.pem`)
  const verified = `var(txn.token),jwt_verify(ES256,"${file}")`
  // After --, a kid that begins with - is no option.
  return `  http-request set-var(txn.genuine) ${verified} if { var(txn.kid) -m str -- ${kid} }`
})
const config = `# Made by fetch-keys.mjs. Do not edit.
defaults common
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s

defaults auth4agent_keys from common
  http-request set-var(txn.token) http_auth_bearer
  http-request set-var(txn.kid) var(txn.token),jwt_header_query('$.kid')
${rules.join('\n')}
`
// HAProxy must never find half a file.
await writeFile(join(folder, 'keys.cfg.new'), config)
await rename(join(folder, 'keys.cfg.new'), join(folder, 'keys.cfg'))
const used = new Set(['keys.cfg', ...es256.map(({ kid }) => `${kid}.pem`)])
const gone = (await readdir(folder)).filter((name) => /^keys\.cfg|\.pem$/.test(name) && !used.has(name))
await Promise.all(gone.map((name) => rm(join(folder, name))))
