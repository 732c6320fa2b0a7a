import { exposureSpec, type ExposureSpec, type RefreshExperiment } from 'first-exposure'

const dayMs = 86_400_000

/** An experiment in the configuration of this service. */
export interface HostExperiment {
  /** Its name in the URL, and its key in the store. */
  readonly id: string
  readonly title: string
  readonly spec: ExposureSpec
  readonly experiment: RefreshExperiment
  /** The configured split, by variant; the order is the one to show them in. */
  readonly expectedShares: Readonly<Record<string, number>>
}

/**
 * One that runs, one that has ended, and one that has not started. They start at midnight, so they are the same all day
 * long, however often the service is started.
 */
export function experiments(nowMs: number): readonly HostExperiment[] {
  const today = nowMs - (nowMs % dayMs)
  return [
    {
      id: 'checkout-button',
      title: 'Checkout button',
      spec: exposureSpec({ environmentKey: 'production', featureName: 'checkout-button' }),
      experiment: { startedAt: today - 2 * dayMs, endedAt: null },
      expectedShares: { control: 0.5, green: 0.25, orange: 0.25 },
    },
    {
      id: 'pricing-page',
      title: 'Pricing page',
      spec: exposureSpec({ environmentKey: 'production', featureName: 'pricing-page' }),
      experiment: { startedAt: today - 16 * dayMs, endedAt: today - 2 * dayMs },
      expectedShares: { control: 0.5, yearly: 0.5 },
    },
    {
      id: 'welcome-tour',
      title: 'Welcome tour',
      spec: exposureSpec({ environmentKey: 'production', featureName: 'welcome-tour' }),
      experiment: { startedAt: today + 7 * dayMs, endedAt: null },
      expectedShares: { control: 0.5, tour: 0.5 },
    },
  ]
}
