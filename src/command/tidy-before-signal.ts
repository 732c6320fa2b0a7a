const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Tidies up before a signal ends this process; the returned function stops listening. When all who listen have tidied up,
 * the process ends by the signal itself. `process.exit` would wait for the threads of an embedded engine, which can crash
 * or never end in the middle of their work.
 */
export function tidyBeforeSignal(tidy: () => void): () => void {
  const stop = (signal: NodeJS.Signals): void => {
    tidy()
    setImmediate(() => {
      process.removeAllListeners(signal)
      process.kill(process.pid, signal)
    })
  }
  for (const signal of endingSignals) process.once(signal, stop)
  return () => {
    for (const signal of endingSignals) process.removeListener(signal, stop)
  }
}
