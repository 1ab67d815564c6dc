import dns from 'node:dns'
import { syncBuiltinESMExports } from 'node:module'

const HERE = [{ address: '127.0.0.1', family: 4 }]
const isHere = (name) => /\.example\.(net|org)$/.test(name)

/**
 * Makes host names under example.net and example.org mean this machine, as if DNS had addresses for them. Returns a
 * function that undoes this.
 *
 * @returns {() => void}
 */
export function installNames() {
  const { lookup } = dns
  const { prototype } = dns.promises.Resolver
  const { resolve4, resolve6 } = prototype
  prototype.resolve4 = function (name) {
    return isHere(name) ? Promise.resolve(['127.0.0.1']) : resolve4.call(this, name)
  }
  prototype.resolve6 = function (name) {
    return isHere(name) ? Promise.resolve([]) : resolve6.call(this, name)
  }
  // For `fetch` in programs that are no server of this project.
  dns.lookup = (name, options, callback) =>
    isHere(name) && options.all ? callback(null, HERE) : lookup(name, options, callback)
  syncBuiltinESMExports()
  return () => {
    Object.assign(prototype, { resolve4, resolve6 })
    dns.lookup = lookup
    syncBuiltinESMExports()
  }
}
