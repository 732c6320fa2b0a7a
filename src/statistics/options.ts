import { aList, aWholeNumber, withFields, type Check } from '../checks.js'
import { invalidStatistics } from '../errors.js'
import { anEpochMs } from '../time/instant.js'

/** A probability or share above 0 and below 1. */
const aThreshold: Check<number> = (value, path, refuse) => {
  if (typeof value === 'number' && value > 0 && value < 1) return value
  throw refuse(path, value, 'Pass a number above 0 and below 1.')
}

/** A window as the checks read it: what `exposureWindow` returns, or only its end. In epoch milliseconds. */
export interface TimeWindow {
  readonly startMs?: number
  readonly asOfMs: number
}

/** The options that most checks have. */
export interface CheckOptions {
  readonly threshold: number
  readonly warningThreshold: number
  /** Undefined if the shares decide. */
  readonly minimumTotal: number | undefined
  readonly leaveOut: ReadonlySet<string>
  readonly window: TimeWindow | undefined
}

/** The options of a check with its defaults. Refuses an unknown option, which would otherwise be ignored silently. */
export function checkedOptions(
  options: object,
  names: readonly string[],
  defaultThreshold: number = 0.001,
): CheckOptions {
  const { threshold, warningThreshold, minimumTotal, leaveOut, window } = withFields(
    options as Readonly<Record<string, unknown>>,
    names,
    'options',
    invalidStatistics,
  )
  const mismatch =
    threshold === undefined ? defaultThreshold : aThreshold(threshold, 'threshold', invalidStatistics)
  const warning =
    warningThreshold === undefined
      ? Math.max(mismatch, 0.01)
      : aThreshold(warningThreshold, 'warningThreshold', invalidStatistics)
  if (warning < mismatch) {
    throw invalidStatistics('warningThreshold', warning, `Pass a number from the threshold, ${mismatch}, up.`)
  }
  return {
    threshold: mismatch,
    warningThreshold: warning,
    minimumTotal:
      minimumTotal === undefined
        ? undefined
        : aWholeNumber(0)(minimumTotal, 'minimumTotal', invalidStatistics),
    leaveOut: new Set(leaveOut === undefined ? [] : aListOfKeys(leaveOut)),
    window: window === undefined || window === null ? undefined : aWindow(window),
  }
}

function aListOfKeys(value: unknown): readonly string[] {
  return aList(value, 'leaveOut', invalidStatistics).map((key, place) => {
    if (typeof key === 'string') return key
    throw invalidStatistics(`leaveOut[${place}]`, key, 'Pass the keys of variants.')
  })
}

/** The result of `exposureWindow`, or a view's own window. */
export function aWindow(value: unknown): TimeWindow {
  const { startMs, asOfMs } = Object(value) as Partial<TimeWindow>
  const window = {
    asOfMs: anEpochMs(asOfMs, 'window.asOfMs', invalidStatistics),
    ...(startMs === undefined ? {} : { startMs: anEpochMs(startMs, 'window.startMs', invalidStatistics) }),
  }
  if (window.startMs === undefined || window.startMs < window.asOfMs) return window
  throw invalidStatistics('window', value, 'Pass what exposureWindow returned.')
}
