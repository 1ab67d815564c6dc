/**
 * Loaded before a server (`node --import`), it makes the clocks of its process wrong as those of real machines are: the
 * monotonic one runs a little fast or slow, and the wall clock is set now and then. Timers stay as they are.
 */
const RATE = Number(process.env['SKEWED_CLOCK_RATE'])
/** The wall clock is set to something up to so far from the truth, in milliseconds. */
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
