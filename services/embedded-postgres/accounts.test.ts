import { chmod, lstat, mkdir, mkdtemp, readFile, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Account, accountFor, canExecute, isRoot } from './account.ts'
import { type Binaries, binariesFor } from './binaries.ts'
import { childEnvironment } from './child-environment.ts'
import { defaultDataDir, openDataFolder } from './data-folder.ts'

/** An unprivileged user that the tests can use: `nobody` for root, otherwise the user of this process. */
const account: Account = isRoot()
  ? { name: 'nobody', uid: 65534, gid: 65534 }
  : { name: 'self', uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }

let folder: string

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'a4a-account-')))
  await chmod(folder, 0o711)
})

afterEach(async () => {
  await chmod(folder, 0o711)
  await rm(folder, { recursive: true })
})

/** Creates a fake installed PostgreSQL with this file mode. */
async function installed(mode: number): Promise<Binaries> {
  const root = join(folder, 'native')
  await mkdir(join(root, 'bin'), { recursive: true })
  await mkdir(join(root, 'lib'))
  await writeFile(join(root, 'bin', 'postgres'), 'program', { mode })
  await writeFile(join(root, 'lib', 'libpq.so.5'), 'library', { mode: 0o600 })
  await symlink('libpq.so.5', join(root, 'lib', 'libpq.so'))
  const program = (name: string): string => join(root, 'bin', name)
  const paths = { initdb: program('initdb'), postgres: program('postgres'), pgCtl: program('pg_ctl') }
  return { root, ...paths, version: '18.0.0' }
}

describe('binariesFor', () => {
  it('returns the installed programs when the account can run them', async () => {
    const binaries = await installed(0o755)
    await chmod(join(binaries.root, 'bin'), 0o755)
    await chmod(binaries.root, 0o755)
    expect(await binariesFor(account, binaries, folder)).toBe(binaries)
  })

  it('copies the programs and their links when the account cannot run them, and uses the same copy later', async () => {
    const binaries = await installed(0o600)
    const dataDir = join(folder, 'data')
    await mkdir(dataDir)
    await chmod(dataDir, 0o711)
    const copy = await binariesFor(account, binaries, dataDir)
    const root = join(dataDir, 'postgres-runtime-18.0.0')
    expect(copy).toMatchObject({ root, initdb: join(root, 'bin', 'initdb'), pgCtl: join(root, 'bin', 'pg_ctl') })
    expect(await canExecute(account, copy.postgres)).toBe(true)
    expect((await stat(join(root, 'lib', 'libpq.so.5'))).mode & 0o777).toBe(0o644)
    expect((await lstat(join(root, 'lib', 'libpq.so'))).isSymbolicLink()).toBe(true)
    await writeFile(binaries.postgres, 'changed')
    expect(await binariesFor(account, binaries, dataDir)).toEqual(copy)
    expect(await readFile(copy.postgres, 'utf8')).toBe('program')
  })
})

describe('childEnvironment', () => {
  it('keeps variables that system programs need and removes every setting of the server', () => {
    const kept = { PATH: '/bin', HOME: '/root', LANG: 'C', LC_TIME: 'C', TZ: 'UTC', TMPDIR: '/tmp' }
    const settings = {
      AUTH4AGENT_KEK: 'k',
      AUTH4AGENT_PKCS11_PIN: '1',
      DATABASE_URL: 'u',
      NATS_URL: 'n',
      PGPASSWORD: 'p',
    }
    expect(childEnvironment({ ...kept, ...settings })).toEqual(kept)
  })
})

describe('openDataFolder', () => {
  it('creates the folder so that PostgreSQL can enter it under any umask, and returns its real path', async () => {
    await symlink(folder, `${folder}-link`)
    const before = process.platform === 'win32' ? 0 : process.umask()
    try {
      const opened = await openDataFolder(join(`${folder}-link`, 'a', 'b'))
      expect(opened.folder).toEqual({
        path: join(folder, 'a', 'b'),
        cluster: join(folder, 'a', 'b', 'postgres'),
        passwordFile: join(folder, 'a', 'b', 'postgres-password'),
      })
      expect(opened.account === undefined).toBe(!isRoot())
      expect((await stat(join(folder, 'a'))).mode & 0o077).toBe(isRoot() ? 0o011 : 0)
    } finally {
      expect(process.platform === 'win32' ? 0 : process.umask()).toBe(before)
      await rm(`${folder}-link`)
    }
  })

  it('refuses a data folder that is a file', async () => {
    await writeFile(join(folder, 'data'), '')
    await expect(openDataFolder(join(folder, 'data'))).rejects.toThrow(/The data folder .*data cannot be used \(EEXIST/)
  })

  it.runIf(process.platform === 'linux').each(['/proc/x', '/proc/x/y/z', '/proc', '/sys', '/dev/null/x'])(
    'refuses the data folder %s without hanging',
    async (path) => {
      await expect(openDataFolder(path)).rejects.toThrow(`The data folder ${path} cannot be used (`)
    },
  )

  it('refuses a data folder that PostgreSQL cannot enter', async () => {
    await mkdir(join(folder, 'data'))
    await chmod(folder, isRoot() ? 0o700 : 0o600)
    const expected = isRoot() ? /the user \w+, who cannot enter the data folder .*data: set/ : /cannot be used \(EACCES/
    await expect(openDataFolder(join(folder, 'data'))).rejects.toThrow(expected)
  })
})

describe('accountFor', () => {
  it('returns another user than the own one only for root', async () => {
    const found = await accountFor(join(folder, 'postgres'))
    expect(found === undefined).toBe(!isRoot())
    expect(found?.uid).not.toBe(0)
  })
})

describe('defaultDataDir', () => {
  it('returns a folder in the checkout', async () => {
    expect(await defaultDataDir(folder)).toBe(join(folder, 'data'))
  })

  it('returns a system folder only for root and a checkout that only its owner may enter', async () => {
    await chmod(folder, 0o700)
    expect(await defaultDataDir(folder)).toBe(isRoot() ? '/var/lib/auth4agent' : join(folder, 'data'))
  })
})
