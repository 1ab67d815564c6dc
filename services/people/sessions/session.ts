import { createHash, randomBytes } from 'node:crypto'
import { decodeBase64url, encodeBase64url } from '@auth4agent/core/encoding/base64'
import type { PrismaClient, User } from '../../../gen/prisma/client.ts'
import { type Author, change } from '../../ledger/ledger.ts'
import { findSession, type LiveSession, removeSession, storeSession } from '../store/sessions.ts'
import type { Cookies } from './cookies.ts'

/** Dependencies of sessions. */
export interface SessionDeps {
  readonly db: { readonly prisma: PrismaClient }
  readonly cookies: Cookies
  /** Returns the wall-clock time in Unix milliseconds. */
  readonly now: () => number
}

/** A user that is signed in. */
export interface SignedInUser extends LiveSession {
  /** Names the session, and is no secret. */
  readonly sessionId: string
}

const COOKIE = 'a4a-user'
const BYTES = 32
const LIFETIME_S = 8 * 3_600

/** Returns the user of a browser; undefined if nobody is signed in. `cookie` is the Cookie header. */
export async function signedInUser(deps: SessionDeps, cookie: string): Promise<SignedInUser | undefined> {
  const id = sessionOf(deps, cookie)
  const session = id && (await findSession(deps.db.prisma, id, new Date(deps.now())))
  return session && { ...session, sessionId: encodeBase64url(id) }
}

/**
 * Begins a session with a new secret, and ends the earlier one of the browser. So nobody who knew the earlier cookie
 * is signed in (session fixation).
 *
 * @param user the row that the sign-in has just stored, for the edge of the provider that vouched
 * @returns a value for the header Set-Cookie
 */
export async function beginSession(
  deps: SessionDeps,
  author: Author,
  { operatorId, subject, epoch }: Pick<User, 'operatorId' | 'subject' | 'epoch'>,
  provider: {
    readonly id: string
    readonly edgeId: string
    readonly authTimeS?: number | undefined
    readonly sid?: string
    /** When the server began to redeem the answer of the provider, as the database writes it. */
    readonly redeemedAt: string
  },
  cookie: string,
): Promise<string> {
  const secret = randomBytes(BYTES)
  const before = sessionOf(deps, cookie)
  const signedInAt = new Date(deps.now())
  const session = {
    id: hashOf(secret),
    operatorId,
    subject,
    epoch,
    providerId: provider.id,
    providerEdge: provider.edgeId,
    signedInAt,
    authTime: provider.authTimeS === undefined ? null : new Date(provider.authTimeS * 1000),
    expiresAt: new Date(signedInAt.getTime() + LIFETIME_S * 1000),
    sid: provider.sid ?? '',
  }
  await change(deps.db.prisma, author, async (tx, audit) => {
    const ended = await storeSession(tx, session, provider.redeemedAt, before)
    if (ended !== undefined) await audit({ action: 'session.end', ...ended, reason: 'another one began' })
    await audit({ action: 'session.begin', subject, operatorId })
  })
  return deps.cookies.set(COOKIE, encodeBase64url(secret), LIFETIME_S)
}

/** Ends the session of a browser, if it has one. Returns a value for the header Set-Cookie. */
export async function endSession(deps: SessionDeps, author: Author, cookie: string): Promise<string> {
  const id = sessionOf(deps, cookie)
  if (id !== undefined) {
    await change(deps.db.prisma, author, async (tx, audit) => {
      const ended = await removeSession(tx, id)
      if (ended === undefined) return
      await audit({ action: 'session.end', ...ended, principal: { kind: 'user', subject: ended.subject } })
    })
  }
  return deps.cookies.end(COOKIE)
}

function sessionOf({ cookies }: Pick<SessionDeps, 'cookies'>, cookie: string): Uint8Array<ArrayBuffer> | undefined {
  const secret = decodeBase64url(cookies.read(cookie).get(COOKIE) ?? '')
  return secret?.length === BYTES ? hashOf(secret) : undefined
}

function hashOf(secret: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(createHash('sha256').update(secret).digest())
}
