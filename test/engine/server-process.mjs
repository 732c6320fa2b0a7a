// The child process that is the ClickHouse server: it loads the engine's library and runs its main, which serves
// HTTP and TCP for as long as standard input stays open. Started by server.ts with the library and its arguments.
import { DataType, load, open } from 'ffi-rs'

const [library, ...args] = process.argv.slice(2)
open({ library: 'chdb', path: library })
load({
  library: 'chdb',
  funcName: 'query_stable_v2',
  retType: DataType.External,
  paramsType: [DataType.I32, DataType.StringArray],
  paramsValue: [args.length, args],
})
