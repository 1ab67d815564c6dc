/** Which packages of a lock file one platform needs. Plain JavaScript, for `bootstrap.mjs` runs before anything is installed. */

/** The C library's family as npm names it (`glibc`, `musl`); undefined where npm knows none. */
function libcFamily() {
  if (process.platform !== 'linux') return undefined
  process.report.excludeNetwork = true
  const report = process.report.getReport()
  if (report.header.glibcVersionRuntime) return 'glibc'
  const isMusl = report.sharedObjects.some((file) => file.includes('libc.musl-') || file.includes('ld-musl-'))
  return isMusl ? 'musl' : undefined
}

/** npm's rule for `os`, `cpu` and `libc`: a string or a list, in which `!x` excludes x. */
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

/** `node_modules/a/node_modules/b` -> `node_modules/a` -> the root, which is the empty string; so too `clients/a` -> the root. */
const parentPackage = (folder) => folder.slice(0, Math.max(0, folder.lastIndexOf('node_modules/') - 1))

/** Node's lookup on the lock file's keys: the nearest `node_modules` at or above `from` that has `name`. */
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
 * The lock file's keys that this platform needs. The graph is walked rather than the entries' flags read, because
 * what only a package of another platform depends on carries no platform of its own.
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
      // A link stands for a folder of this project, which has the dependencies and looks for them from where it is.
      queue.push(packages[key].link === true ? packages[key].resolved : key)
    }
  }
  return [...needed]
}
