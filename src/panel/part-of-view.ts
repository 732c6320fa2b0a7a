import type { ExposureWindow } from '../time/exposure-window.js'
import type { ExposuresView } from '../view/exposures-view.js'

/** The same view, of the buckets in a part of its window. Its totals stay those of the whole. */
export function partOfView(view: ExposuresView, part: ExposureWindow): ExposuresView {
  if (view.window?.startMs === part.startMs && view.window.asOfMs === part.asOfMs) return view
  return {
    ...view,
    window: part,
    points: view.points.filter(
      ({ start, end }) => Date.parse(end) > part.startMs && Date.parse(start) < part.asOfMs,
    ),
  }
}
