import { registerHooks } from 'node:module'

/** Preloaded into a process: makes the process behave as on a system without a build of libsodium. */
registerHooks({
  resolve(specifier, context, nextResolve) {
    if (specifier === 'sodium-native') throw new Error('not on this system')
    return nextResolve(specifier, context)
  },
})
