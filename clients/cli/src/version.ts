/** Version of this package, which `--version` prints. */
export const VERSION = '0.1.0'
