#!/usr/bin/env node
/*
 * The program starts here. This file is CommonJS in ECMAScript 5, so that even an old Node can run it. It checks the
 * version of Node before it loads anything newer.
 */
'use strict'

/** Must equal engines.node in package.json. */
var NEEDED = '24.19.0'

function isOld(version) {
  var actual = version.split('.')
  var needed = NEEDED.split('.')
  for (var index = 0; index < needed.length; index += 1) {
    var difference = parseInt(actual[index], 10) - parseInt(needed[index], 10)
    if (difference !== 0) return difference < 0
  }
  return false
}

function refuse() {
  var message = 'auth4agent needs Node ' + NEEDED + ' or newer, and this is ' + process.versions.node
  var hint = 'Install a current Node 24: https://nodejs.org'
  if (process.argv.indexOf('--json') < 0) process.stderr.write('error: ' + message + '\n' + hint + '\n')
  else process.stdout.write(JSON.stringify({ error: { reason: 'NODE_TOO_OLD', message: message, hint: hint } }) + '\n')
  process.exitCode = 70
}

if (isOld(process.versions.node)) refuse()
else module.exports = require('./main.ts')
