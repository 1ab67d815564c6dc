/** The package brings no types. */
declare module 'sodium-native' {
  const sodium: import('./ed25519-sodium.ts').Sodium
  export default sodium
}
