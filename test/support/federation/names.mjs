/**
 * Preloaded into a server (`node --import`): host names under example.net and example.org mean this machine, as if
 * DNS had addresses for them.
 */
import dns from 'node:dns'
import { syncBuiltinESMExports } from 'node:module'

const { lookup } = dns.promises
dns.promises.lookup = (name, options) =>
  /\.example\.(net|org)$/.test(name) ? Promise.resolve([{ address: '127.0.0.1', family: 4 }]) : lookup(name, options)
syncBuiltinESMExports()
