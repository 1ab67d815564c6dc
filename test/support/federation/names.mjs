/** Preloaded into a server (`node --import`). */
import { installNames } from './install-names.mjs'

installNames()
