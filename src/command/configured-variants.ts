import type { ReportArguments } from './arguments.js'
import { didYouMean } from './did-you-mean.js'
import { ReportError } from './report-error.js'
import { variantLabel } from './words.js'

/** How the experiment was configured, as it fits the variants that it has. */
export interface ConfiguredVariants extends Pick<ReportArguments, 'control' | 'expectedShares'> {
  /** What was decided that the user did not say, as sentences. */
  readonly notes: readonly string[]
}

/**
 * Checks the control and the split that the user gave against the variants that there are: a verdict on a variant that
 * nobody has would be about a slip of the pen. Without a control, `Control` and `CONTROL` are taken if only one is there.
 */
export function configuredVariants(
  { control, expectedShares }: Pick<ReportArguments, 'control' | 'expectedShares'>,
  variants: readonly string[],
): ConfiguredVariants {
  if (control !== undefined && !variants.includes(control))
    throw noSuchVariant('--control', [control], variants)
  const missing = Object.entries(expectedShares ?? {})
    .filter(([key, share]) => share > 0 && !variants.includes(key))
    .map(([key]) => key)
  if (missing.length > 0) {
    throw noSuchVariant('--expected', missing, variants, [
      'If the name is right, nobody entered that variant, which is the finding: without it, --expected checks the others.',
    ])
  }
  if (control !== undefined || variants.includes('control')) return { control, expectedShares, notes: [] }
  const alike = variants.filter((key) => key.trim().toLowerCase() === 'control')
  const [only] = alike
  if (only === undefined || alike.length > 1) return { control, expectedShares, notes: [] }
  return {
    control: only,
    expectedShares,
    notes: [`${label(only)} is taken as the control (--control names another).`],
  }
}

/** The error about variants in an option that no exposure has, with those that there are. */
export function noSuchVariant(
  option: string,
  missing: readonly string[],
  variants: readonly string[],
  advice: readonly string[] = [],
): ReportError {
  const unknown = (key: string): string => {
    const meant = didYouMean(key, variants)
    return `${label(key)}${meant === undefined ? '' : ` (did you mean ${label(meant)}?)`}`
  }
  return new ReportError(
    `${option} names ${missing.length === 1 ? 'a variant' : 'variants'} that no exposure has: ${missing.map(unknown).join(', ')}`,
    { details: [`The variants: ${variants.map(label).join(', ')}`, ...advice] },
  )
}

function label(key: string): string {
  return JSON.stringify(variantLabel(key))
}
