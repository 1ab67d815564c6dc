// Runs in the browser, as a part of the page. It shares no code with the server, which trusts nothing that it does:
// the server verifies the invitation, and the proof of the new passkey.
const by = (id) => document.getElementById(id)
const button = by('make')
const encode = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
const decode = (text) => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0))
const utf8 = (text) => new TextEncoder().encode(text)
const sha256 = (bytes) => crypto.subtle.digest('SHA-256', bytes)
const encodeJson = (value) => encode(utf8(JSON.stringify(value)))

const ROLES = {
  'agents.register': 'Register agents',
  'agents.manage': 'Approve agents and grant them scopes',
  'agents.revoke': 'Suspend agents and end their tokens',
  policy: 'Change the policy of the operator',
  trust: 'End trust in other operators',
  'audit.read': 'Read the audit',
  keys: 'Recover agents that have lost their key',
  people: 'Decide about users and their clients',
  approvals: 'Approve what waits for a person',
  watch: 'Follow revocations',
}

function say(text, kind) {
  const message = by('message')
  message.textContent = text
  message.className = `message ${kind ?? ''}`
  message.hidden = text === ''
}

function stop(text) {
  say(text, 'stop')
  button.hidden = true
}

function readInvitation() {
  try {
    return JSON.parse(new TextDecoder().decode(decode(location.hash.slice(1).split('.')[1])))
  } catch {
    return undefined
  }
}

async function show({ iss, label, person, roles, exp }) {
  by('terms').hidden = false
  by('label').textContent = person === undefined ? label : `${person} (${label})`
  for (const role of roles) {
    const item = document.createElement('li')
    const name = document.createElement('code')
    name.textContent = role
    item.append(ROLES[role] ?? role, name)
    by('roles').append(item)
  }
  if (Date.now() / 1000 >= exp) return stop('This invitation has expired. Ask for a new one.')
  if (window.PublicKeyCredential === undefined)
    return stop('This browser has no passkeys. Open the link in another one.')
  button.disabled = false
  const answer = await fetch(`../v1/operators/${encodeURIComponent(iss)}`).catch(() => undefined)
  const operator = answer?.ok ? await answer.json() : undefined
  if (operator?.status === 'active') by('operator').textContent = operator.domain
}

/** Makes the passkey. Nothing of the answer is trusted: the request proves that the browser has the key. */
async function make({ label, person }) {
  const credential = await navigator.credentials.create({
    publicKey: {
      rp: { id: location.hostname, name: location.hostname },
      user: { id: crypto.getRandomValues(new Uint8Array(16)), name: label, displayName: person ?? label },
      challenge: crypto.getRandomValues(new Uint8Array(32)),
      pubKeyCredParams: [
        { type: 'public-key', alg: -7 },
        { type: 'public-key', alg: -8 },
      ],
      authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
      attestation: 'none',
    },
  })
  const spki = new Uint8Array(credential.response.getPublicKey())
  const isEc = credential.response.getPublicKeyAlgorithm() === -7
  const part = (from, to) => encode(spki.slice(from, to))
  // The members stand in the order of the thumbprint (RFC 7638). The key is at the end of SubjectPublicKeyInfo.
  const jwk = isEc
    ? { crv: 'P-256', kty: 'EC', x: part(-64, -32), y: part(-32) }
    : { crv: 'Ed25519', kty: 'OKP', x: part(-32) }
  return { id: credential.rawId, jwk, kid: encode(await sha256(utf8(JSON.stringify(jwk)))) }
}

async function signRequest({ id, jwk, kid }, { iss, aud, jti, label, person, roles }) {
  const header = { alg: 'urn:auth4agent:alg:webauthn', typ: 'auth4agent-key-request+jwt', kid }
  const webauthn = { rp_id: location.hostname, credential_id: encode(id) }
  const terms = { label, roles, person, root: false, jwk, webauthn, nonce: jti }
  const claims = { iss, sub: iss, aud, iat: Math.floor(Date.now() / 1000), ...terms }
  const signingInput = `${encodeJson(header)}.${encodeJson(claims)}`
  const { response } = await navigator.credentials.get({
    publicKey: {
      challenge: await sha256(utf8(signingInput)),
      rpId: location.hostname,
      allowCredentials: [{ type: 'public-key', id }],
      userVerification: 'required',
    },
  })
  const proof = {
    authenticatorData: encode(response.authenticatorData),
    clientDataJSON: encode(response.clientDataJSON),
    signature: encode(response.signature),
  }
  return `${signingInput}.${encodeJson(proof)}`
}

async function submit(request) {
  const body = JSON.stringify({ invitation: location.hash.slice(1), request })
  const answer = await fetch('../v1/key-requests', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
  if (answer.ok) return
  const { detail, title } = await answer.json().catch(() => ({}))
  throw new Error(detail ?? title ?? `The server answered ${answer.status}`)
}

const invitation = readInvitation()
let made
let request

async function run() {
  button.disabled = true
  say('Your browser asks you to confirm.')
  try {
    made ??= await make(invitation)
    say('Confirm once more, to prove that the passkey works.')
    request ??= await signRequest(made, invitation)
    say('Sending the request.')
    await submit(request)
    for (const id of ['terms', 'note']) by(id).hidden = true
    button.hidden = true
    by('title').textContent = 'Your passkey is ready'
    by('lead').textContent = 'One step is left: the person who invited you adds it.'
    say('Read this thumbprint to that person, for example over the phone:', 'ok')
    const kid = document.createElement('code')
    kid.className = 'kid'
    kid.id = 'kid'
    kid.textContent = made.kid
    by('message').append(kid)
    history.replaceState(undefined, '', location.pathname)
  } catch (error) {
    const cancelled = error instanceof DOMException && error.name === 'NotAllowedError'
    say(cancelled ? 'Nothing was confirmed. You can try again.' : `${error.message}.`, 'stop')
    button.disabled = false
    button.textContent = made === undefined ? 'Try again' : 'Confirm the passkey'
  }
}

if (invitation === undefined) stop('This link is not complete. Copy all of it, or ask for a new one.')
else {
  button.addEventListener('click', () => void run())
  void show(invitation)
}
