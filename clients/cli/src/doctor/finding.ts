/** Level of a finding. With a warning the tool works today; with a problem it does not. */
export type Level = 'ok' | 'warning' | 'problem'

/** Result of one check. Nothing in it is secret. */
export interface Finding {
  /** The checked thing, in a word or two. */
  readonly check: string
  readonly level: Level
  readonly message: string
  /** What the user can do about the finding. */
  readonly cure?: string
}

/** Makes a finding for a thing that works. */
export function ok(check: string, message: string): Finding {
  return { check, level: 'ok', message }
}

/** Makes a finding for a thing that works now, but that may stop or that does not work everywhere. */
export function warning(check: string, message: string, cure: string): Finding {
  return { check, level: 'warning', message, cure }
}

/** Makes a finding for a thing that does not work. */
export function problem(check: string, message: string, cure: string): Finding {
  return { check, level: 'problem', message, cure }
}
