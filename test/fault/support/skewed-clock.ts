/**
 * Preloaded into a server (`node --import`): makes the clocks of its process wrong as on real machines. The monotonic
 * clock runs a little fast or slow, and the wall clock jumps from time to time. Timers are unchanged.
 */
const RATE = Number(process.env['SKEWED_CLOCK_RATE'])
/** The wall clock is set up to this far from the right time, in milliseconds. */
const JUMP_MS = Number(process.env['SKEWED_CLOCK_JUMP_MS'])
const EVERY_MS = 300

const monotonic = performance.now.bind(performance)
const wall = Date.now.bind(Date)
let offset = 0

performance.now = () => monotonic() * RATE
Date.now = () => Math.round(wall() + offset)

setInterval(() => {
  offset = (Math.random() * 2 - 1) * JUMP_MS
}, EVERY_MS).unref()
