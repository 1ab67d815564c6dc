/** A setting of the tool, without its prefix. */
type SettingName = 'HOME' | 'CONTEXT'

/**
 * Reads a setting of the tool from the environment. Its name begins with AUTH4AGENT_; the older beginning AUTH4AGENTS_
 * still works. Where both are set and differ, the first one counts and `warn` is told.
 */
export function readSetting(
  env: Readonly<Record<string, string | undefined>>,
  name: SettingName,
  warn: (text: string) => void,
): string | undefined {
  const [current, old] = [env[`AUTH4AGENT_${name}`] || undefined, env[`AUTH4AGENTS_${name}`] || undefined]
  if (current !== undefined && old !== undefined && current !== old) {
    warn(`AUTH4AGENT_${name} and AUTH4AGENTS_${name} differ; AUTH4AGENT_${name} counts`)
  }
  return current ?? old
}
