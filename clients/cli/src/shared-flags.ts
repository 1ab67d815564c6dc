import type { FlagTable } from './flags.ts'

const DELEGATION_DEPTHS = ['0', '1', '2', '3', '4', '5', '6', '7', '8'] as const

/**
 * Flags of more than one command, by their names. Each has one meaning everywhere; a command adds with `more` what is
 * special about it there.
 */
export const shared = {
  admin: { kind: 'boolean', help: 'sign as the administrator, with the key of --key or of the context' },
  'agent-key': {
    kind: 'text',
    value: 'BASE64',
    help: 'public key of the agent, as `init --json` shows it, for evidence that is bound to a key',
  },
  alg: { kind: 'text', value: 'ALG', help: 'signing algorithm of the key' },
  attestor: { kind: 'text', value: 'NAME', help: 'name of the attestor' },
  aud: { kind: 'list', value: 'AUDIENCE', help: 'URL or host name of a service' },
  audience: { kind: 'text', value: 'AUDIENCE', help: 'the audience: a URL or host name' },
  did: { kind: 'text', value: 'DID', help: 'DID of the agent' },
  domain: { kind: 'text', value: 'DOMAIN', help: 'domain of the operator' },
  dpop: { kind: 'boolean', help: 'bind the token to a key (DPoP)' },
  'dpop-proof': {
    kind: 'text',
    value: 'PROOF',
    help: 'DPoP proof of the request; @FILE reads a file, - standard input',
  },
  expires: { kind: 'text', value: 'TIME', help: 'when it expires: a duration from now, such as 90d, or RFC 3339' },
  file: { kind: 'text', value: 'FILE', help: 'read it from this file; - for standard input' },
  force: { kind: 'boolean', help: 'do it all the same' },
  home: { kind: 'text', value: 'ISSUER', help: 'issuer of the deployment of the operator' },
  jti: { kind: 'text', value: 'JTI', help: 'id of the token' },
  jwk: { kind: 'text', value: 'FILE', help: 'file with a public JWK' },
  jwks: { kind: 'text', value: 'FILE', help: 'file with a JWK Set' },
  kid: { kind: 'text', value: 'KID', help: 'id of the key; --kid=KID if it begins with a dash' },
  kind: { kind: 'text', value: 'KIND', help: 'which kind it is' },
  label: { kind: 'text', value: 'LABEL', help: 'name for people' },
  'max-delegation-depth': {
    kind: 'text',
    value: 'NUMBER',
    help: 'how many times a grant may be handed on, 0 to 8',
    choices: DELEGATION_DEPTHS,
  },
  method: { kind: 'text', value: 'METHOD', help: 'HTTP method of the request, such as GET' },
  'new-did': { kind: 'text', value: 'DID', help: 'DID of the agent after the move', aliases: ['to'] },
  'new-key': {
    kind: 'text',
    value: 'FILE',
    help: 'file of the next private key, if it is not kept beside the identity key',
  },
  'next-key': { kind: 'text', value: 'FILE', help: 'file in which to keep the next key, for example on another disk' },
  'next-kid': {
    kind: 'text',
    value: 'KID',
    help: 'commit to a key that is kept elsewhere, by its id; --next-kid=KID if it begins with a dash',
  },
  nonce: { kind: 'text', value: 'NONCE', help: 'the nonce that was demanded' },
  offline: { kind: 'boolean', help: 'do not ask the server' },
  output: { kind: 'text', value: 'FILE', help: 'write the result to this file' },
  reason: { kind: 'text', value: 'TEXT', help: 'why' },
  role: { kind: 'list', value: 'ROLE', help: 'a role; separated by commas, or repeated' },
  scope: { kind: 'list', value: 'SCOPES', help: 'scopes, separated by spaces or commas', aliases: ['scopes'] },
  timeout: { kind: 'text', value: 'DURATION', help: 'how long to wait at most, such as 90s or 1h' },
  token: { kind: 'text', value: 'TOKEN', help: 'the token; @FILE or - hides it from the process list' },
  ttl: { kind: 'text', value: 'DURATION', help: 'lifetime: 90s, 15m, 1h30m or seconds' },
  url: { kind: 'text', value: 'URL', help: 'URL of the request; its query does not count' },
  yes: { kind: 'boolean', help: 'do it without a question' },
  'confirm-name': {
    kind: 'text',
    value: 'NAME',
    help: 'the domain or DID that ends for good, as confirmation',
    aliases: ['yes'],
  },
} as const satisfies FlagTable
