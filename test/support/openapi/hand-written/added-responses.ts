import type { Schema } from '../schemas.ts'

type Added = (answer: () => Schema) => Readonly<Record<string, Schema>>

const RESOLUTION = { 'application/did-resolution': { schema: { $ref: '#/components/schemas/DidResolutionResult' } } }

/** Responses that no descriptor describes, by `Service.Method`. `answer` returns the schema of the method's answer. */
export const ADDED_RESPONSES: Readonly<Record<string, Added>> = {
  'IdentityService.GetAgent': () => ({
    '410': {
      description: 'The agent is revoked. Only with `Accept: application/did+json` or another form of DID Resolution',
      content: { 'application/did+json': { schema: { type: 'object' } }, ...RESOLUTION },
    },
  }),
  'IdentityService.ResolveDid': () => ({
    '400': { description: 'An error of DID Resolution has its own form', content: RESOLUTION },
    '404': { description: 'An error of DID Resolution has its own form', content: RESOLUTION },
    '410': { description: 'The agent is revoked', content: RESOLUTION },
  }),
  'AuthnService.VerifyToken': (answer) => ({
    '401': {
      description: 'The token is not valid. Only with `Prefer: status=refuse`',
      headers: { 'WWW-Authenticate': { $ref: '#/components/headers/WWW-Authenticate' } },
      content: { 'application/json': { schema: answer() } },
    },
    '403': {
      description: 'Only a scope or a result of attestation is missing. Only with `Prefer: status=refuse`',
      headers: { 'WWW-Authenticate': { $ref: '#/components/headers/WWW-Authenticate' } },
      content: { 'application/json': { schema: answer() } },
    },
    '503': {
      description: 'With `Prefer: status=refuse`, also when the server cannot decide now',
      content: { 'application/json': { schema: answer() } },
    },
  }),
}
