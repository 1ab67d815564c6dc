import { isVisibleText } from '@auth4agent/core/encoding/visible-text'
import { parseScopeList } from '@auth4agent/core/token/scope'
import { ApiError } from '../../platform/errors/api-error.ts'
import { parseDomains, parseDomainsOrEveryone } from './parse-domains.ts'

/** Which users may sign in for an audience, and to what they can consent. */
export interface UserAccess {
  /** Domains whose users may sign in, or the single entry `*`. Without an entry, none may. */
  readonly domains: readonly string[]
  readonly scopes: readonly UserScope[]
  /** One of {@link CLIENT_RULES}. In a request also empty, which means `listed`. */
  readonly clients: string
  /** Longest age of a connection in days. In a request also 0, which means {@link DEFAULT_DAYS}. */
  readonly maxDays: number
  /** Whether clients may use the device authorization grant (RFC 8628). */
  readonly device: boolean
}

/** A scope to which a user can consent. */
export interface UserScope {
  readonly name: string
  /** Text for the page of consent. */
  readonly words: string
  /** Groups whose users may consent to the scope; empty for every user who may sign in. */
  readonly groups: readonly string[]
  readonly isDefault: boolean
}

interface Rules {
  /** The operator's own domain. */
  readonly domain: string
  readonly testDomains: boolean
}

const CLIENT_RULES: readonly string[] = ['listed', 'any']
const DEFAULT_DAYS = 30
const MAX_DAYS = 90
const MAX_SCOPES = 32
const MAX_GROUPS = 32
const MAX_CHARACTERS = 120

/**
 * Checks and normalises the users of one audience. Duplicate domains and groups are removed, and defaults are written
 * out. The scopes keep their order, because they stand on a page in this order.
 *
 * @throws ApiError INVALID_DOMAIN, INVALID_SCOPE, INVALID_ARGUMENT
 */
export function parseUserAccess({ domains, scopes, clients, maxDays, device }: UserAccess, rules: Rules): UserAccess {
  if (scopes.length > MAX_SCOPES) {
    throw new ApiError('INVALID_SCOPE', `users must have at most ${MAX_SCOPES} scopes`)
  }
  const parsed = scopes.map(parseScope)
  if (new Set(parsed.map(({ name }) => name)).size < parsed.length) {
    throw new ApiError('INVALID_SCOPE', 'users must not name a scope twice')
  }
  if (clients !== '' && !CLIENT_RULES.includes(clients)) {
    throw new ApiError('INVALID_ARGUMENT', `users.clients must be empty or one of ${CLIENT_RULES.join(', ')}`)
  }
  if (maxDays < 0 || maxDays > MAX_DAYS) {
    throw new ApiError('INVALID_ARGUMENT', `users.max_days must be between 1 and ${MAX_DAYS}, or 0 for ${DEFAULT_DAYS}`)
  }
  return {
    domains: parseDomainsOrEveryone('users.domains', domains, rules),
    scopes: parsed,
    clients: clients === '' ? 'listed' : clients,
    maxDays: maxDays === 0 ? DEFAULT_DAYS : maxDays,
    device,
  }
}

/**
 * Checks and normalises the domains of other owners to which an operator's users may go. Duplicates are removed, and
 * so is the operator's own domain, which needs no entry.
 *
 * @throws ApiError INVALID_DOMAIN
 */
export function parseUsersTo(domains: readonly string[], rules: Rules): string[] {
  return parseDomains('users_to', domains, rules).filter((domain) => domain !== rules.domain)
}

/** Returns how many entries the users of an audience have, which decides what it costs to store them. */
export function entriesOf(users: UserAccess | undefined): number {
  if (users === undefined) return 0
  return users.scopes.reduce((sum, { groups }) => sum + 1 + groups.length, users.domains.length)
}

function parseScope({ name, words, groups, isDefault }: UserScope): UserScope {
  if (parseScopeList([name]) === undefined) {
    throw new ApiError(
      'INVALID_SCOPE',
      'The name of a scope must be one scope-token of at most 128 characters without *',
    )
  }
  if (!isVisibleText(words, MAX_CHARACTERS)) {
    throw new ApiError(
      'INVALID_ARGUMENT',
      `The words of the scope ${name} must be 1 to ${MAX_CHARACTERS} visible characters with single spaces`,
    )
  }
  if (groups.length > MAX_GROUPS) {
    throw new ApiError('INVALID_ARGUMENT', `The scope ${name} must have at most ${MAX_GROUPS} groups`)
  }
  if (!groups.every((group) => isVisibleText(group, MAX_CHARACTERS))) {
    throw new ApiError(
      'INVALID_ARGUMENT',
      `Each group of the scope ${name} must be 1 to ${MAX_CHARACTERS} visible characters with single spaces`,
    )
  }
  return { name, words, groups: [...new Set(groups)], isDefault }
}
