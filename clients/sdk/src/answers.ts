import { Auth4AgentError } from './errors.ts'

/** What a member of an answer is. Kinds with a question mark may be null or missing, as times are that have not come. */
interface Kinds {
  readonly text: string
  readonly texts: readonly string[]
  readonly flag: boolean
  readonly count: number
  readonly 'text?': string | null | undefined
  readonly 'texts?': readonly string[] | null | undefined
  readonly 'flag?': boolean | null | undefined
  readonly 'count?': number | null | undefined
  /** Anything, to be looked at by whoever needs it. */
  readonly any: unknown
}

/** The members of an answer that are relied upon, by their names on the wire. */
export type Shape = Readonly<Record<string, keyof Kinds>>

/** An answer of that shape. Members that the shape does not name are in it too. */
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

/** Reads an answer. Throws Auth4AgentError with UNEXPECTED_ANSWER where a member is missing or of another kind. */
export function readAnswer<S extends Shape>(shape: S, value: unknown): Answer<S> {
  if (isAnswer(shape, value)) return value
  throw unexpected()
}

/** Reads an answer that is a list, as {@link readAnswer} does each of its items. */
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
  return new Auth4AgentError('the server answered what it should not', { reason: 'UNEXPECTED_ANSWER', status: 200 })
}
