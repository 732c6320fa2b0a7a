import { aBoolean, aList, anObject, aString, withFields } from '../checks.js'
import { invalidView } from '../errors.js'
import { checkedWindow, type ExposureWindow } from '../time/exposure-window.js'

/** What a view is told beside the summary; every option has a default. */
export interface ExposuresViewOptions {
  /** The window that the summary was asked for. Without it nothing is `partial`. */
  readonly window?: ExposureWindow
  /** The configured variants' keys, in the order to show them. Left out, every variant that appears is expected. */
  readonly variants?: readonly string[]
  /** The control's key. Default `control`; naming one counts as configuring it. */
  readonly control?: string
  /**
   * Whether buckets without anybody get a point of zeros: over the window, or, without one, between the first and
   * the last point. Default false.
   */
  readonly fillGaps?: boolean
}

/** The options of a view, complete. */
export interface CheckedViewOptions {
  readonly window: ExposureWindow | null
  /** The keys that have a row whether they appear or not. */
  readonly configured: readonly string[]
  readonly control: string
  /** Whether a variant may appear without being configured, because nobody said which are. */
  readonly othersExpected: boolean
  readonly fillGaps: boolean
}

/** Completes and checks the options. Throws `invalid-view`, naming the option, `invalid-instant`, `invalid-window`. */
export function checkedViewOptions(options: ExposuresViewOptions): CheckedViewOptions {
  withFields(options, ['window', 'variants', 'control', 'fillGaps'], 'options', invalidView, '')
  const { window, variants, control, fillGaps = false } = options
  if (window !== undefined) anObject(window, 'window', invalidView)
  if (control !== undefined) aString(control, 'control', invalidView)
  const configured = new Set<string>()
  for (const [index, key] of aList(variants ?? [], 'variants', invalidView).entries()) {
    const path = `variants[${index}]`
    if (configured.has(aString(key, path, invalidView))) {
      throw invalidView(path, key, 'It is listed twice; list every variant once.')
    }
    configured.add(String(key))
  }
  if (control !== undefined) configured.add(control)
  return {
    window: window === undefined ? null : checkedWindow(window),
    configured: [...configured],
    control: control ?? 'control',
    othersExpected: variants === undefined,
    fillGaps: aBoolean(fillGaps, 'fillGaps', invalidView),
  }
}
