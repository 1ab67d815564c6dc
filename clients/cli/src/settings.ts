/** Name of a setting, without its prefix. */
type SettingName = 'HOME' | 'CONTEXT' | 'AS'

/**
 * Reads a setting of the tool from the environment. Its name begins with AUTH4AGENT_. The older prefix AUTH4AGENTS_
 * still works. If both variables are set and differ, it returns the AUTH4AGENT_ one and calls `warn`.
 */
export function readSetting(
  env: Readonly<Record<string, string | undefined>>,
  name: SettingName,
  warn: (text: string) => void,
): string | undefined {
  const [current, old] = [env[`AUTH4AGENT_${name}`] || undefined, env[`AUTH4AGENTS_${name}`] || undefined]
  if (current !== undefined && old !== undefined && current !== old) {
    warn(`AUTH4AGENT_${name} and AUTH4AGENTS_${name} differ; AUTH4AGENT_${name} is used`)
  }
  return current ?? old
}
