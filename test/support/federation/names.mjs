/**
 * Preloaded into a server (`node --import`): host names under example.net and example.org mean this machine, as if
 * DNS had addresses for them.
 */
import dns from 'node:dns'
import { syncBuiltinESMExports } from 'node:module'

const HERE = [{ address: '127.0.0.1', family: 4 }]
const isHere = (name) => /\.example\.(net|org)$/.test(name)
const { lookup: lookUp } = dns
const { lookup } = dns.promises
dns.promises.lookup = (name, options) => (isHere(name) ? Promise.resolve(HERE) : lookup(name, options))
// For `fetch` in programs that are no server of this project.
dns.lookup = (name, options, callback) =>
  isHere(name) && options.all ? callback(null, HERE) : lookUp(name, options, callback)
syncBuiltinESMExports()
