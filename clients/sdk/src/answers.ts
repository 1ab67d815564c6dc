import { Auth4AgentError } from './errors.ts'

/**
 * The types that a member of an answer can have. A type with a question mark also allows null or a missing member,
 * such as a time that has not come yet.
 */
interface Kinds {
  readonly text: string
  readonly texts: readonly string[]
  readonly flag: boolean
  readonly count: number
  readonly 'text?': string | null | undefined
  readonly 'texts?': readonly string[] | null | undefined
  readonly 'flag?': boolean | null | undefined
  readonly 'count?': number | null | undefined
  /** Any value. The code that uses the member must check it. */
  readonly any: unknown
}

/** The members of an answer that the SDK relies on, by their names on the wire. */
export type Shape = Readonly<Record<string, keyof Kinds>>

/** An answer of a shape. It also contains the members that the shape does not name. */
export type Answer<S extends Shape> = { readonly [N in keyof S]: Kinds[S[N]] }

const isText = (value: unknown) => typeof value === 'string'
const isTexts = (value: unknown) => Array.isArray(value) && value.every(isText)
const isFlag = (value: unknown) => typeof value === 'boolean'
const isCount = (value: unknown) => typeof value === 'number'
const orNone = (is: (value: unknown) => boolean) => (value: unknown) =>
  value === undefined || value === null || is(value)

const checks: Readonly<Record<keyof Kinds, (value: unknown) => boolean>> = {
  text: isText,
  texts: isTexts,
  flag: isFlag,
  count: isCount,
  'text?': orNone(isText),
  'texts?': orNone(isTexts),
  'flag?': orNone(isFlag),
  'count?': orNone(isCount),
  any: () => true,
}

/**
 * Checks an answer against a shape. Throws Auth4AgentError with UNEXPECTED_ANSWER if a member is missing or has
 * another type.
 */
export function readAnswer<S extends Shape>(shape: S, value: unknown): Answer<S> {
  if (isAnswer(shape, value)) return value
  throw unexpected()
}

/** Checks each item of a list as {@link readAnswer} does. */
export function readAnswers<S extends Shape>(shape: S, value: unknown): readonly Answer<S>[] {
  if (!Array.isArray(value)) throw unexpected()
  return value.map((item: unknown) => readAnswer(shape, item))
}

function isAnswer<S extends Shape>(shape: S, value: unknown): value is Answer<S> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const members: ReadonlyMap<string, unknown> = new Map(Object.entries(value))
  return Object.entries(shape).every(([name, kind]) => checks[kind](members.get(name)))
}

function unexpected(): Auth4AgentError {
  return new Auth4AgentError('The answer lacks a member, or a member has the wrong type', {
    reason: 'UNEXPECTED_ANSWER',
    status: 200,
  })
}
