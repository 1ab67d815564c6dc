import { type Link, type Made, makeChain } from '../make-chain.ts'

/** What is validated. All certificates are DER. */
export interface PathInput {
  /** Leaf first. */
  readonly chain: readonly Buffer[]
  readonly roots: readonly Buffer[]
  readonly crls?: readonly Buffer[]
  readonly purposes?: readonly string[]
  readonly maxPath?: number
}

/** A path, and the verdicts on it. */
export interface PathCase {
  readonly name: string
  readonly make: () => PathInput
  /** A part of the message with which this server refuses the path; undefined if it is valid. */
  readonly refusal?: string
  /**
   * A part of the message with which `openssl verify -x509_strict` refuses the path; undefined if it is valid.
   */
  readonly openssl?: string
  /** Why the two verdicts differ, if they do. */
  readonly because?: string
}

/** Makes a path whose root is pinned and left out of the chain. */
export function path(...links: readonly Link[]): PathInput {
  return pathOf(makeChain(...links))
}

/** The path of certificates that are made already: the root first. */
export function pathOf(made: readonly Made[]): PathInput {
  const [root, ...others] = made.map(({ der }) => der)
  if (root === undefined) throw new RangeError('A chain has a root')
  return { chain: others.toReversed(), roots: [root] }
}

/** Why this server refuses what OpenSSL accepts, or the other way around. */
export const BECAUSE = {
  bytes: 'the bytes that are verified must be the bytes that are parsed, so only strict DER is read',
  order: 'the sender knows the order of its chain, so no path is searched',
  names: 'names are compared byte for byte, which every CA fulfils',
  keys: 'few kinds of keys and algorithms are enough, and each has one form',
  profile: 'RFC 5280 demands it of a CA, and OpenSSL does not check it',
  policies: 'policies are not processed, so a path that needs them is refused',
  laxer: 'RFC 5280 section 6.1 does not need it, and some private CAs do not do it',
  usage: 'a root is never a leaf: its key would sign both certificates and nonces',
} as const
