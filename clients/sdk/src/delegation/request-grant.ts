import type { Hop } from '@auth4agent/core/delegation/grant-types'
import { compareCapabilities } from '@auth4agent/core/delegation/order'
import { readUnverifiedChain } from '@auth4agent/core/delegation/sign-grant'
import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import { sha256Text } from '@auth4agent/core/encoding/sha256'
import { isJsonObject } from '@auth4agent/core/encoding/strict-json'
import { challengeMessage } from '@auth4agent/core/identity/challenge'
import { signerKid } from '@auth4agent/core/jose/signer-jwk'
import { expectChallenge } from '../challenge.ts'
import { clientError } from '../errors.ts'
import type { Server } from '../server.ts'
import type { AgentSigner } from '../signer.ts'
import { detailsText, type GrantTerms } from './grant-terms.ts'

/** The agent that wants a grant, and the terms of the grant. */
interface GrantOrder {
  readonly server: Server
  readonly did: string
  readonly signer: AgentSigner
  readonly terms: GrantTerms
  readonly signal: AbortSignal
}

/** A root grant that the server has issued. */
export interface IssuedGrant {
  readonly grant: string
  readonly hop: Hop
}

/**
 * Gets a root grant: requests a challenge that is bound to the terms, checks it, signs it and redeems it. As for
 * tokens, nothing is signed for another server, or for more than the agent asked for.
 */
export async function requestGrant(order: GrantOrder): Promise<IssuedGrant> {
  const { server, did, signer, terms, signal } = order
  // Fails early if another server answers at the address.
  await server.discover(signal)
  const details = detailsText(terms.capabilities)
  const wishes = { did, authorization_details: details, ttl: `${terms.ttl}s`, max_depth: terms.depth }
  const answer = await server.transport({ method: 'POST', path: '/v1/challenge', body: wishes, signal })
  const digest = sha256Text(details, 'base64url')
  const { challenge, nonce } = expectChallenge(answer, { server, did }, (content) => {
    if (content.scope !== undefined || content.aud !== undefined || content.may_act !== undefined)
      return 'is for a token'
    if (content.details !== digest) return 'is for other authorization details'
    if (content.ttl !== terms.ttl) return `is for a lifetime of ${String(content.ttl)} seconds`
    return content.depth === terms.depth ? undefined : `is for the depth ${String(content.depth)}`
  })
  const signature = encodeBase64(await signer.sign(challengeMessage(challenge, nonce)))
  signal.throwIfAborted()
  const body = { ...wishes, challenge, nonce, signature }
  return readIssuedGrant(await server.transport({ method: 'POST', path: '/v1/grant', body, signal }), order)
}

/** Reads the grant from the server's answer. It only prevents the use of a grant for another agent or with more. */
async function readIssuedGrant(
  answer: unknown,
  { server, did, signer, terms: { capabilities, depth, ttl } }: GrantOrder,
): Promise<IssuedGrant> {
  const { grant } = isJsonObject(answer) ? answer : {}
  if (typeof grant !== 'string') throw unexpected('no grant')
  const read = await readUnverifiedChain(grant, server.issuer)
  if (!read.ok) throw unexpected(`a grant that is refused: ${read.rule}`)
  const [hop, more] = read.chain.hops
  if (hop === undefined || more !== undefined || hop.did !== did || hop.jkt !== signerKid(signer))
    throw unexpected('a grant for another agent or key')
  const isEqual =
    compareCapabilities(hop.capabilities, capabilities) === undefined &&
    compareCapabilities(capabilities, hop.capabilities) === undefined
  if (!isEqual || hop.maxDepth !== depth || hop.exp - hop.iat !== ttl) throw unexpected('a grant with other terms')
  return { grant, hop }
}

function unexpected(what: string) {
  return clientError('UNEXPECTED_ANSWER', `The server answered with ${what}`)
}
