import { execFile } from 'node:child_process'
import { access, constants, cp, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { ensureInstalled } from './debian-package.ts'

/** The paths of SoftHSM. */
export interface SoftHsm {
  /** Path of its PKCS#11 module. */
  readonly module: string
  /** Path of softhsm2-util. */
  readonly util: string
}

const run = promisify(execFile)

/** The folders of the module on Debian, on Fedora, with Homebrew and after a build from source. */
const MODULES = ['/usr/lib/softhsm', '/usr/lib64/pkcs11', '/opt/homebrew/lib/softhsm', '/usr/local/lib/softhsm'].map(
  (folder) => join(folder, 'libsofthsm2.so'),
)
const NODE_MODULES = join(import.meta.dirname, '../../node_modules')
const PACKAGE = join(NODE_MODULES, 'pkcs11js')
const MISSING = 'The tests need SoftHSM 2.6 or newer. Install it with "apt-get install softhsm2".'
const NOT_BUILT = 'The addon of pkcs11js could not be built. The build needs a C++ compiler, make and Python.'

/**
 * Builds the addon that calls SoftHSM, and returns the paths of SoftHSM. If SoftHSM is missing and this process is
 * root on a Debian system, installs it first.
 * @throws Error that says how to get it.
 */
export async function ensureSoftHsm(): Promise<SoftHsm> {
  const [found] = await Promise.all([ensureInstalled({ name: 'softhsm2', find, missing: MISSING }), ensureAddon()])
  return found
}

async function find(): Promise<SoftHsm | undefined> {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter(Boolean)
  const util = await firstThere(
    [...folders, '/usr/bin', '/usr/local/bin'].map((folder) => join(folder, 'softhsm2-util')),
  )
  const module = await firstThere(MODULES)
  return util === undefined || module === undefined ? undefined : { module, util }
}

async function firstThere(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if (await isThere(path)) return path
  return undefined
}

function isThere(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(
    () => true,
    () => false,
  )
}

/**
 * Builds the addon with the command in docs/signing-keys.md, in a copy of the package. Then moves it into place in one
 * step, because other processes may do the same at the same time. The first process wins.
 */
async function ensureAddon(): Promise<void> {
  const target = join(PACKAGE, 'build')
  if (await isThere(join(target, 'Release/pkcs11.node'))) return
  const folder = await mkdtemp(join(NODE_MODULES, '.pkcs11js-'))
  try {
    const copy = join(folder, 'node_modules/pkcs11js')
    await cp(PACKAGE, copy, { recursive: true })
    await writeFile(join(folder, 'package.json'), JSON.stringify({ dependencies: { pkcs11js: '*' } }))
    const args = ['rebuild', 'pkcs11js', '--ignore-scripts=false', '--foreground-scripts']
    await run('npm', args, { cwd: folder, env: { ...process.env, ...(await ownHeaders()) } })
    await rename(join(copy, 'build'), target)
  } catch (error) {
    if (!(await isThere(join(target, 'Release/pkcs11.node')))) throw new Error(NOT_BUILT, { cause: error })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Returns the headers of the Node that npm installed, which node-gyp would download otherwise. */
async function ownHeaders(): Promise<Readonly<Record<string, string>>> {
  const folder = dirname(dirname(process.execPath))
  return (await isThere(join(folder, 'include/node/node_api.h'))) ? { npm_config_nodedir: folder } : {}
}
