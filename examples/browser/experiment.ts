import { exposureSpec, type ExposureSpec, type RefreshExperiment } from 'first-exposure'

/** What was asked, from your own configuration. */
export const spec: ExposureSpec = exposureSpec({
  environmentKey: 'production',
  featureName: 'checkout-button',
})

/** When the experiment ran. */
export const experiment: RefreshExperiment = {
  startedAt: Date.UTC(2026, 5, 1),
  endedAt: Date.UTC(2026, 5, 15),
}

/** The configured split, by variant; the order is the one to show them in. */
export const expectedShares: Readonly<Record<string, number>> = { control: 0.5, green: 0.25, orange: 0.25 }
