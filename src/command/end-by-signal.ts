/** The signals that end a program, unless it listens. */
export const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Ends this process by the signal that it received, once all who listen have tidied up. `process.exit` would wait for the
 * threads of an embedded engine, which can crash or never end in the middle of their work.
 */
export function endBySignal(signal: (typeof endingSignals)[number]): void {
  setImmediate(() => {
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}
