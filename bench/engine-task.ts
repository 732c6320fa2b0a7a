import type { RollupStatement } from 'first-exposure/rollup'
import type { Form } from './forms.js'

/** The task of one engine process. */
export type EngineTask =
  | { readonly kind: 'commands'; readonly commands: readonly RollupStatement[] }
  | {
      readonly kind: 'measure'
      readonly table: string
      readonly form: Form
      /** Whether the form is asked for a second before it is measured for a second, as on a server that is asked often. */
      readonly isWarm: boolean
    }

/** The result of one measurement. */
export interface Measurement {
  readonly seconds: number
  readonly cpuSeconds: number
  /** How much the process grew at its peak, in bytes. */
  readonly peakBytes: number
  /** A digest of the answer, to compare forms; empty if there is nothing to compare. */
  readonly digest: string
}

/** The output of the process. */
export type EngineReply = { readonly measured: Measurement } | { readonly done: true }
