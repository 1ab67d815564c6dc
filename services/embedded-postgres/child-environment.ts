/** Variables that PostgreSQL and the programs of the system need, besides LC_*. */
const ON_UNIX = ['PATH', 'HOME', 'LANG', 'LANGUAGE', 'TZ', 'TMPDIR', 'LD_LIBRARY_PATH']
const ON_WINDOWS = ['SYSTEMROOT', 'SYSTEMDRIVE', 'WINDIR', 'COMSPEC', 'PATHEXT', 'TEMP', 'TMP', 'USERPROFILE']
const NEEDED = new Set([...ON_UNIX, ...ON_WINDOWS])

/**
 * Returns the environment for a child process that needs no settings of Auth4Agent. It omits the KEK, the PIN,
 * DATABASE_URL and every other setting, so that they do not appear in `/proc/<pid>/environ` of that child.
 */
export function childEnvironment(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => isNeeded(name.toUpperCase())))
}

const isNeeded = (name: string): boolean => NEEDED.has(name) || name.startsWith('LC_')
