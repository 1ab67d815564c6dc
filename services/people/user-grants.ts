import { ApiError } from '../platform/errors/api-error.ts'
import { type OpenedCode, openCode } from './authorize/code.ts'
import type { PeopleOptions } from './config.ts'
import { createRefreshKeys } from './connections/refresh-key.ts'
import {
  formatRefreshToken,
  isRefreshToken,
  parseRefreshToken,
  type RefreshToken,
} from './connections/refresh-token.ts'

/** A refresh token that was presented. */
interface OpenedRefreshToken extends RefreshToken {
  /** Id of the key of its MAC. */
  readonly keyId: string
}

/** Reads and writes what clients get to act for users. Nothing of it is stored. */
export interface UserGrants {
  /** Opens an authorization code. Returns undefined for a text that this deployment did not seal as one. */
  openCode(text: string): Promise<OpenedCode | undefined>
  /** Opens a refresh token. Returns undefined for a text that this deployment did not write as one. */
  openRefreshToken(text: string): Promise<OpenedRefreshToken | undefined>
  /** Writes a refresh token under the key with this id: the one that the database had when it was issued. */
  sealRefreshToken(token: OpenedRefreshToken): Promise<string>
  /** Returns the id of a key for refresh tokens, and creates the key if there is none. */
  refreshKeyId(): Promise<string>
  /** Looks into the database for the key again, at most once a second. */
  rereadRefreshKey(): Promise<void>
}

/** Creates the reader and writer of codes and refresh tokens. */
export function createUserGrants({
  db,
  vault,
  challengeKeys,
}: Pick<PeopleOptions, 'db' | 'vault' | 'challengeKeys'>): UserGrants {
  const keys = createRefreshKeys({ prisma: db.prisma, vault })
  const finders = [() => keys.known(), () => keys.reread()]
  return {
    openCode: (text) => openCode({ challengeKeys }, text),
    async openRefreshToken(text) {
      if (!isRefreshToken(text)) return undefined
      for (const find of finders) {
        const found = await find()
        const token = found && parseRefreshToken(found.key, text)
        if (token !== undefined) return { ...token, keyId: found?.id ?? '' }
      }
      return undefined
    },
    async sealRefreshToken(token) {
      for (const find of finders) {
        const found = await find()
        if (found?.id === token.keyId) return formatRefreshToken(found.key, token)
      }
      // All tokens of the deployment have just ended, so also this one.
      throw new ApiError('UNAVAILABLE', 'The key of refresh tokens has changed; try again', { retryAfter: 1 })
    },
    refreshKeyId: async () => (await keys.current()).id,
    async rereadRefreshKey() {
      await keys.reread()
    },
  }
}
