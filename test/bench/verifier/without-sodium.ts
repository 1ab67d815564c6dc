import { registerHooks } from 'node:module'

/** Preloaded, it makes a process one that has no libsodium, as on a system for which there is no build. */
registerHooks({
  resolve(specifier, context, nextResolve) {
    if (specifier === 'sodium-native') throw new Error('not on this system')
    return nextResolve(specifier, context)
  },
})
