/**
 * Finds the packages of a lock file that this platform needs. This file is plain JavaScript, because `bootstrap.mjs`
 * uses it before packages are installed.
 */

/** Returns npm's name for the C library (`glibc`, `musl`), or undefined if npm has none. */
function libcFamily() {
  if (process.platform !== 'linux') return undefined
  process.report.excludeNetwork = true
  const report = process.report.getReport()
  if (report.header.glibcVersionRuntime) return 'glibc'
  const isMusl = report.sharedObjects.some((file) => file.includes('libc.musl-') || file.includes('ld-musl-'))
  return isMusl ? 'musl' : undefined
}

/** Applies npm's rule for `os`, `cpu` and `libc`: a string or a list, in which `!x` excludes x. */
function allows(constraint, actual) {
  if (constraint === undefined) return true
  const list = [constraint].flat()
  if (list.includes('any')) return true
  if (list.includes(`!${actual}`)) return false
  return list.includes(actual) || list.every((entry) => entry.startsWith('!'))
}

const fitsPlatform = (entry) =>
  allows(entry.os, process.platform) &&
  allows(entry.cpu, process.arch) &&
  (entry.libc === undefined || allows(entry.libc, libcFamily()))

/**
 * Returns the parent of a package folder. The parent of `node_modules/a/node_modules/b` is `node_modules/a`. The
 * parent of `node_modules/a` or `clients/a` is the root, written as the empty string.
 */
const parentPackage = (folder) => folder.slice(0, Math.max(0, folder.lastIndexOf('node_modules/') - 1))

/** Looks up a package as Node does: in the nearest `node_modules` at or above `from` that has `name`. */
function resolveInLock(packages, from, name) {
  for (let folder = from; ; folder = parentPackage(folder)) {
    const key = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`
    if (packages[key] !== undefined) return key
    if (folder === '') return undefined
  }
}

function dependencyNames(entry, withDev) {
  const optionalPeers = entry.peerDependenciesMeta ?? {}
  const peers = Object.keys(entry.peerDependencies ?? {}).filter((name) => optionalPeers[name]?.optional !== true)
  const dev = withDev ? Object.keys(entry.devDependencies ?? {}) : []
  return [...Object.keys(entry.dependencies ?? {}), ...Object.keys(entry.optionalDependencies ?? {}), ...peers, ...dev]
}

/**
 * Returns the keys of the lock file that this platform needs. It follows the dependencies from the root, because the
 * `os` and `cpu` of an entry alone do not suffice: a dependency of another platform's package often has neither.
 */
export function neededPackages(packages, withDev) {
  const needed = new Set()
  const queue = ['']
  for (let from = queue.pop(); from !== undefined; from = queue.pop()) {
    for (const name of dependencyNames(packages[from], withDev && from === '')) {
      const key = resolveInLock(packages, from, name)
      if (key === undefined || needed.has(key)) continue
      if (packages[key].optional === true && !fitsPlatform(packages[key])) continue
      needed.add(key)
      // A link points to a folder of this project. Its dependencies are resolved from that folder.
      queue.push(packages[key].link === true ? packages[key].resolved : key)
    }
  }
  return [...needed]
}
