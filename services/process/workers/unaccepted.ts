import type { Worker as Process } from 'node:cluster'

/** A connection as node:cluster sends it to a worker. */
interface Handle {
  close(...args: readonly unknown[]): unknown
}

/**
 * Closes connections that a worker had not accepted when it died. node:cluster closes its own handle only after the
 * worker has answered that it accepted the connection. Without that answer, the caller would wait until the server
 * ends.
 * @returns a function to call for each new worker, before any message is sent to it
 */
export function closeUnaccepted(): (child: Process) => void {
  const owners = new Map<Handle, Process>()
  return (child) => {
    const send = child.process.send.bind(child.process)
    child.process.send = (message: unknown, handle?: unknown, ...rest: readonly unknown[]): boolean => {
      if (isConnection(message) && isHandle(handle)) {
        // node:cluster sends a connection that one worker refuses to another worker, which then owns the connection.
        if (!owners.has(handle)) onClose(handle, () => owners.delete(handle))
        owners.set(handle, child)
      }
      return Reflect.apply(send, undefined, [message, handle, ...rest])
    }
    child.process.once('exit', () => {
      // node:cluster delays `disconnect` until the worker answers for its connections. Until then it would send more
      // connections to this worker.
      child.process.emit('disconnect')
      for (const [handle, owner] of owners) if (owner === child) handle.close()
    })
  }
}

function isConnection(message: unknown): boolean {
  return typeof message === 'object' && message !== null && 'act' in message && message.act === 'newconn'
}

function isHandle(handle: unknown): handle is Handle {
  return typeof handle === 'object' && handle !== null && 'close' in handle && typeof handle.close === 'function'
}

function onClose(handle: Handle, tell: () => void): void {
  const close = handle.close.bind(handle)
  handle.close = (...args) => {
    tell()
    return close(...args)
  }
}
