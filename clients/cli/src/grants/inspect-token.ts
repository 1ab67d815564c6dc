import { authorityOfToken, type DelegatedAuthority } from '@auth4agent/core/delegation/delegated-authority'
import { readDelegatedClaims, verifyDelegatedToken } from '@auth4agent/core/delegation/delegated-token'
import { readTokenJws } from '@auth4agent/core/token/access-token'
import type { Context } from '../context.ts'
import { finderOf } from '../offline.ts'
import { type Finding, findRevoked, type inspectFlags, jwksOf, meaningOf, serverFor } from './inspect-chain.ts'
import { SKEW_S } from './read-chain.ts'

/** What is known about a delegated token. */
export interface TokenInspection {
  /** Undefined if the text is not genuine. */
  readonly authority: DelegatedAuthority | undefined
  /** Undefined if the token is valid. Its `hop` is the place of the party that has ended. */
  readonly finding: Finding | undefined
  /** Whether a server was asked: for the key of the token, and for revocations. */
  readonly isOnline: boolean
}

/**
 * Verifies a delegated token. With a configured server, it uses the keys of the server, and asks it for revocations.
 * Without one, it does not check the signature.
 */
export async function inspectToken(context: Context<typeof inspectFlags>, text: string): Promise<TokenInspection> {
  const choice = await serverFor(context)
  const isOnline = choice !== undefined
  const issuer = choice?.issuer ?? choice?.server
  const genuine =
    choice === undefined || issuer === undefined
      ? readUnverified(text)
      : await verifyDelegatedToken(
          text,
          issuer,
          finderOf(await context.progress('fetching the keys', jwksOf(choice, context))),
        )
  if ('verdict' in genuine) return { authority: undefined, finding: findingOf(genuine.verdict), isOnline }
  const authority = authorityOfToken(genuine)
  const late = authority.checkTimes(context.now() / 1000, SKEW_S)
  if (late !== undefined) return { authority, finding: findingOf(late.reason, late.rule), isOnline }
  const finding = choice && (await context.progress('asking the server', findRevoked(text, choice, context)))
  return { authority, finding, isOnline }
}

function readUnverified(text: string) {
  const jws = readTokenJws(text)
  if ('verdict' in jws) return jws
  const claims = readDelegatedClaims(jws.payload)
  return claims === undefined ? ({ verdict: 'MALFORMED_TOKEN' } as const) : { claims, kid: jws.header.kid }
}

function findingOf(reason: string, rule = 'the text must be a genuine delegated token'): Finding {
  return { reason, hop: undefined, rule, means: meaningOf(reason), advice: undefined }
}
