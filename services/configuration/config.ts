import { nearest } from '@auth4agent/core/names/nearest'
import { findConflicts, isTryOut } from './conflicts.ts'
import { type Parse, SettingError } from './read-env.ts'
import { SERVICE_NAMES, type ServiceName } from './service-names.ts'
import { type Config, readValues } from './settings.ts'

export type { Config } from './settings.ts'

/** Thrown when the environment is wrong. The message lists every problem. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'

  constructor(problems: readonly string[]) {
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`
    super(`The configuration has ${count}:\n${problems.map((line) => `  - ${line}`).join('\n')}`)
  }
}

const PREFIX = 'AUTH4AGENT_'
/** To OpenTelemetry, an empty variable is one that is not set. */
const THEIRS = 'OTEL_'
/** Settings of the command line tool. The server ignores them, because they may be set in the same shell. */
const OF_THE_TOOL: ReadonlySet<string> = new Set(['AUTH4AGENT_HOME', 'AUTH4AGENT_CONTEXT', 'AUTH4AGENT_TOKEN'])

/**
 * Reads the environment of a process that runs the given services.
 * @throws ConfigError with every problem found
 */
export function readConfig(
  env: Readonly<Record<string, string | undefined>>,
  defaultDataDir: string,
  services: readonly ServiceName[] = SERVICE_NAMES,
): Config {
  const problems: string[] = []
  const known = new Set<string>()
  const mistaken: string[] = []
  const value = <T>(name: string, parse: Parse<T>, fallback: T): T => {
    known.add(name)
    const given = env[name]
    if (given === undefined || (given === '' && name.startsWith(THEIRS))) return fallback
    try {
      // An empty variable is probably a mistake, and a default would hide it.
      if (given === '') throw new SettingError('must not be empty; unset it to use the default')
      return parse(given)
    } catch (error) {
      if (!(error instanceof SettingError)) throw error
      mistaken.push(name)
      problems.push(`${name} ${error.message}`)
      return fallback
    }
  }
  const values = readValues(value, defaultDataDir)
  const config: Config = { ...values, services, issuer: values.baseUrl, testDomains: isTryOut(values) }
  for (const name of Object.keys(env)) {
    if (name.startsWith(PREFIX) && !known.has(name) && !OF_THE_TOOL.has(name))
      problems.push(unknownSetting(name, known))
  }
  // Leave out conflicts that name a wrong value, because they would report the same mistake twice.
  const isMistaken = (sentence: string) => mistaken.some((name) => sentence.includes(name))
  problems.push(...findConflicts(config).filter((sentence) => !isMistaken(sentence)))
  if (problems.length > 0) throw new ConfigError(problems)
  return config
}

/** Compares names without their prefix, because all of them are alike with it, and because PORT has none. */
function unknownSetting(name: string, known: Iterable<string>): string {
  const fullNames = new Map([...known].map((each) => [each.replace(PREFIX, ''), each]))
  const meant = fullNames.get(nearest(name.slice(PREFIX.length), fullNames.keys()) ?? '')
  return `${name} is not a known setting${meant === undefined ? '' : `: the nearest known one is ${meant}`}`
}
