import { optional, PAY, range, wildcard } from './constraints.ts'
import { NFC, NFD } from './permit-cases.ts'

/** A call under one capability. `reason` is undefined if the call is allowed. */
interface CallCase {
  readonly name: string
  readonly map: object
  readonly args: Readonly<Record<string, unknown>> | undefined
  readonly reason?: string
}

const amount = range({ max: 10 })
const inherited: Record<string, unknown> = Object.create({ to: 'b' })
inherited['amount'] = 1
const hidden: Record<string, unknown> = Object.defineProperty({}, 'amount', { value: 11 })

export const CALL_CASES: readonly CallCase[] = [
  { name: 'an argument within its constraint', map: { amount }, args: { amount: 10 } },
  { name: 'an optional argument left out', map: { amount: optional(amount) }, args: {} },
  { name: 'any argument of an open map', map: {}, args: { amount: 11, '*': [] } },
  { name: 'no argument of an open map', map: {}, args: {} },
  { name: 'an unnamed argument of an open map', map: { amount, '*': wildcard }, args: { amount: 1, to: {} } },
  { name: 'unknown arguments of an unconstrained capability', map: {}, args: undefined },
  { name: 'unknown arguments of {"*": wildcard}', map: { '*': wildcard }, args: undefined },
  { name: 'an argument beyond its constraint', map: { amount }, args: { amount: 11 }, reason: 'ARGUMENT_REFUSED' },
  {
    name: 'a named argument of an open map beyond its constraint',
    map: { amount, '*': wildcard },
    args: { amount: 11 },
    reason: 'ARGUMENT_REFUSED',
  },
  { name: 'an argument missing', map: { amount }, args: {}, reason: 'ARGUMENT_REFUSED' },
  {
    name: 'the second argument missing',
    map: { amount, to: wildcard },
    args: { amount: 1 },
    reason: 'ARGUMENT_REFUSED',
  },
  {
    name: 'a required argument of an open map missing',
    map: { amount, '*': wildcard },
    args: { to: 'b' },
    reason: 'ARGUMENT_REFUSED',
  },
  {
    name: 'an optional argument beyond its constraint',
    map: { amount: optional(amount) },
    args: { amount: 11 },
    reason: 'ARGUMENT_REFUSED',
  },
  {
    name: 'an argument that is undefined',
    map: { amount: optional(wildcard) },
    args: { amount: undefined },
    reason: 'ARGUMENT_REFUSED',
  },
  { name: 'an unnamed argument', map: { amount }, args: { amount: 1, to: 'b' }, reason: 'ARGUMENT_REFUSED' },
  { name: 'an unnamed argument *', map: { amount }, args: { amount: 1, '*': 'b' }, reason: 'ARGUMENT_REFUSED' },
  { name: 'an argument constructor', map: { amount }, args: { amount: 1, constructor: 1 }, reason: 'ARGUMENT_REFUSED' },
  {
    name: 'a required argument that only Object has',
    map: { toString: wildcard },
    args: {},
    reason: 'ARGUMENT_REFUSED',
  },
  { name: 'a name that is not valid text', map: {}, args: { '\ud800': 1 }, reason: 'ARGUMENT_REFUSED' },
  { name: 'a value that JSON cannot carry', map: {}, args: { amount: 1n }, reason: 'ARGUMENT_REFUSED' },
  { name: 'a name in another normal form', map: { [NFC]: wildcard }, args: { [NFD]: 1 }, reason: 'ARGUMENT_REFUSED' },
  { name: 'a hidden argument', map: { amount }, args: hidden, reason: 'ARGUMENT_REFUSED' },
  { name: 'an inherited argument', map: { amount }, args: inherited, reason: 'ARGUMENT_REFUSED' },
  {
    name: 'unknown arguments of a constrained capability',
    map: { amount },
    args: undefined,
    reason: 'ARGUMENTS_NEEDED',
  },
  {
    name: 'unknown arguments of a map that is open and optional',
    map: { amount: optional(amount), '*': wildcard },
    args: undefined,
    reason: 'ARGUMENTS_NEEDED',
  },
  {
    name: 'unknown arguments of one wildcard',
    map: { amount: optional(wildcard) },
    args: undefined,
    reason: 'ARGUMENTS_NEEDED',
  },
]

/** A call under a chain, root first. `refused` is the place of the grant and its reason. */
interface ChainCase {
  readonly name: string
  readonly hops: readonly object[]
  readonly args: Readonly<Record<string, unknown>> | undefined
  readonly refused?: { readonly hop: number | undefined; readonly reason: string }
}

const upTo = (max: number) => ({ [PAY]: { amount: range({ max }) } })

export const CHAIN_CASES: readonly ChainCase[] = [
  { name: 'a call that every grant allows', hops: [{ [PAY]: {} }, upTo(10), upTo(5)], args: { amount: 5 } },
  { name: 'unknown arguments without constraints', hops: [{ [PAY]: {} }, { [PAY]: {} }], args: undefined },
  {
    name: 'a call that the last grant refuses',
    hops: [upTo(10), upTo(5)],
    args: { amount: 6 },
    refused: { hop: 1, reason: 'ARGUMENT_REFUSED' },
  },
  {
    name: 'a call that only the root refuses',
    hops: [upTo(5), upTo(10), upTo(10)],
    args: { amount: 6 },
    refused: { hop: 0, reason: 'ARGUMENT_REFUSED' },
  },
  {
    name: 'a call that only the middle grant refuses',
    hops: [upTo(10), upTo(5), upTo(10)],
    args: { amount: 6 },
    refused: { hop: 1, reason: 'ARGUMENT_REFUSED' },
  },
  {
    name: 'unknown arguments that only the last grant limits',
    hops: [{ [PAY]: {} }, upTo(5)],
    args: undefined,
    refused: { hop: 1, reason: 'ARGUMENTS_NEEDED' },
  },
  {
    name: 'a capability that the last grant lacks',
    hops: [{ [PAY]: {} }, { 'https://api.acme.test#orders:read': {} }],
    args: {},
    refused: { hop: 1, reason: 'CAPABILITY_MISSING' },
  },
  {
    name: 'a capability that only the root lacks',
    hops: [{ 'https://api.acme.test#orders:read': {} }, { [PAY]: {} }],
    args: {},
    refused: { hop: 0, reason: 'CAPABILITY_MISSING' },
  },
  { name: 'no grant at all', hops: [], args: {}, refused: { hop: undefined, reason: 'CAPABILITY_MISSING' } },
]
