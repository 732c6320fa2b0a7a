import type { RollupStatement } from 'first-exposure/rollup'
import type { Form } from './forms.js'

/** What a process of the engine is started for. */
export type EngineTask =
  | { readonly kind: 'commands'; readonly commands: readonly RollupStatement[] }
  | {
      readonly kind: 'measure'
      readonly table: string
      readonly form: Form
    }

/** What one measurement found. */
export interface Measurement {
  readonly seconds: number
  readonly cpuSeconds: number
  /** By how much the process grew at its peak, in bytes. */
  readonly peakBytes: number
  /** A digest of the summary, to compare forms by; empty where there is none. */
  readonly digest: string
}

/** What the process prints. */
export type EngineReply = { readonly measured: Measurement } | { readonly done: true }
