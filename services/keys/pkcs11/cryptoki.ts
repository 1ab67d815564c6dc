import { access } from 'node:fs/promises'
import type { PKCS11 } from 'pkcs11js'
import { StartupError } from '../../platform/errors/startup-error.ts'
import { CKF } from './constants.ts'
import { attemptCall, codeOf, describeError } from './cryptoki-error.ts'

/** A module in use: the library that a token's maker supplies, loaded and initialised. */
export interface Cryptoki {
  readonly calls: PKCS11
  /** Starts the module anew, which ends all sessions; nothing where others use it. No call may be under way. */
  readonly restart: () => void
  /** Ends the use; the last one finalises the module, and with it all sessions there are. */
  readonly release: () => void
}

/** The npm package, as `import` gives it. */
type Addon = { readonly default: { readonly PKCS11: new () => PKCS11 } }

/** A process has one state of each module, however many use it. They stay loaded: unloading a library that has threads crashes. */
const loaded = new Map<string, { readonly calls: PKCS11; uses: number }>()

let atWork: Promise<unknown> = Promise.resolve()

/**
 * Makes calls that have to do with objects after those that are under way, of which making a key takes long and a thread of its
 * own. SoftHSM does not bear them at the same time: it then lists an object twice, or fails for good. Signing itself
 * needs no turn.
 */
export function inTurn<T>(calls: () => T | Promise<T>): Promise<T> {
  const turn = atWork.then(calls)
  atWork = turn.catch(() => undefined)
  return turn
}

/**
 * Takes a module into use.
 * @throws StartupError when there is no such file, it is no module or does not start, or pkcs11js is not there or not built.
 */
export async function openCryptoki(path: string, addon = importAddon): Promise<Cryptoki> {
  const { PKCS11 } = (await addon()).default
  await access(path).catch(() => {
    throw new StartupError(`There is no PKCS#11 module at ${path}.`)
  })
  const entry = loaded.get(path) ?? { calls: load(PKCS11, path), uses: 0 }
  loaded.set(path, entry)
  try {
    initialize(entry.calls)
  } catch (error) {
    throw new StartupError(`The PKCS#11 module ${path} does not start: ${describeError(error)}.`, { cause: error })
  }
  entry.uses += 1
  return {
    calls: entry.calls,
    restart() {
      if (entry.uses > 1) return
      attemptCall(() => entry.calls.C_Finalize())
      initialize(entry.calls)
    },
    release() {
      entry.uses -= 1
      if (entry.uses === 0) attemptCall(() => entry.calls.C_Finalize())
    },
  }
}

/** Initialises a module for calls from several threads; nothing to do when that has been done. */
export function initialize(calls: PKCS11): void {
  try {
    calls.C_Initialize({ flags: CKF.OS_LOCKING_OK })
  } catch (error) {
    if (codeOf(error) !== 'CKR_CRYPTOKI_ALREADY_INITIALIZED') throw error
  }
}

/**
 * The package is optional and compiles its addon, which npm does only when it may run scripts.
 * @throws StartupError with the command to run.
 */
export async function importAddon(load: () => Promise<Addon> = () => import('pkcs11js')): Promise<Addon> {
  try {
    return await load()
  } catch (error) {
    throw new StartupError(
      'A PKCS#11 token needs the addon of the npm package pkcs11js, which is not built here: run "npm install ' +
        '--include=optional", then "npm rebuild pkcs11js --ignore-scripts=false --foreground-scripts", which needs a C++ ' +
        'compiler, make and Python.',
      { cause: error },
    )
  }
}

function load(Module: new () => PKCS11, path: string): PKCS11 {
  const calls = new Module()
  try {
    calls.load(path)
  } catch (error) {
    throw new StartupError(`${path} is no PKCS#11 module: ${describeError(error)}.`, { cause: error })
  }
  return calls
}
