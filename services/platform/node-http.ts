/** Of node:http what is used here. An import would read each of its exports, and one of them, WebSocket, loads all of fetch. */
export const { createServer, IncomingMessage, STATUS_CODES } = process.getBuiltinModule('node:http')
