#!/usr/bin/env node
console.error('auth4agent: no command')
