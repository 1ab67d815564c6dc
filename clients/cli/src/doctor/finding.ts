/** How much a finding matters: a warning works today, a problem does not. */
export type Level = 'ok' | 'warning' | 'problem'

/** One thing that was looked at. Nothing in it is secret. */
export interface Finding {
  /** What was looked at, in a word or two. */
  readonly check: string
  readonly level: Level
  readonly message: string
  /** What to do about it. */
  readonly cure?: string
}

/** It is as it should be. */
export function ok(check: string, message: string): Finding {
  return { check, level: 'ok', message }
}

/** It works, and will not for ever or not everywhere. */
export function warning(check: string, message: string, cure: string): Finding {
  return { check, level: 'warning', message, cure }
}

/** It does not work. */
export function problem(check: string, message: string, cure: string): Finding {
  return { check, level: 'problem', message, cure }
}
