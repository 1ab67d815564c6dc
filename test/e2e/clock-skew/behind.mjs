/** Preloaded into a server (`node --import`): its wall clock is 320 s behind until the process receives SIGUSR2. */
const now = Date.now.bind(Date)
let behindMs = 320_000
Date.now = () => now() - behindMs
process.on('SIGUSR2', () => {
  behindMs = 0
})
