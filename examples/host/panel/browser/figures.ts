import type { ExposuresView } from 'first-exposure/view'
import { count, share } from '../format.js'
import type { SplitVerdict } from '../split-verdict.js'
import { element, type Child } from './element.js'
import { toneClasses } from './split-card.js'

/** The main figures, which a reader wants first. */
export function figures(
  view: ExposuresView | null,
  verdict: SplitVerdict | null,
  asOf: { readonly label: string; readonly iso: string; readonly age: Child } | null,
  excludesAny: boolean,
): readonly HTMLElement[] {
  const seen = view === null ? 0 : view.total + view.excludedIdentities
  const variants = view?.variants.length ?? 0
  return [
    figure(
      'Identities entered',
      view === null ? '–' : count(view.total),
      view === null ? 'not counted yet' : `in ${count(variants)} ${variants === 1 ? 'variant' : 'variants'}`,
    ),
    figure(
      'Excluded',
      view === null ? '–' : count(view.excludedIdentities),
      view === null
        ? 'not counted yet'
        : excludesAny
          ? seen === 0
            ? 'nobody was seen'
            : `${share(view.excludedIdentities, seen)} of all identities seen; they were in several variants`
          : 'identities in several variants count in the first one',
      verdict?.excluded.status === 'warning' ? 'warning' : undefined,
    ),
    figure(
      'Split',
      verdict?.headline ?? '–',
      splitBasis(verdict),
      verdict === null ? undefined : toneClasses[verdict.tone],
    ),
    figure(
      'Counted up to',
      asOf === null ? '–' : element('time', { datetime: asOf.iso, title: asOf.iso }, asOf.label),
      asOf?.age ?? 'not counted yet',
    ),
  ]
}

function splitBasis(verdict: SplitVerdict | null): string {
  if (verdict === null) return 'not counted yet'
  return verdict.assumed ? 'equal shares assumed' : 'against the configured shares'
}

function figure(name: string, value: Child, note: Child, tone?: string): HTMLElement {
  return element(
    'div',
    { class: `figure ${tone ?? ''}`.trim() },
    element('dt', {}, name),
    element(
      'dd',
      { class: typeof value === 'string' && /^[\d,–]+$/.test(value) ? 'value' : 'value words' },
      value,
    ),
    element('dd', { class: 'note' }, note),
  )
}
