import { excludesNobody, splitInWords, type Tone } from '../split-words.js'
import type { PanelWords } from '../panel-words.js'
import { figure as isolated } from './data-table.js'
import { element, type Child } from './element.js'
import type { Shown } from './shown.js'

/** The main figures, which a reader wants first. */
export function figures(
  shown: Shown | null,
  asOf: { readonly label: string; readonly iso: string; readonly age: string } | null,
  words: PanelWords,
): readonly HTMLElement[] {
  const { say, count, share } = words
  if (shown === null) {
    return (['entered', 'excluded', 'split', 'countedUpTo'] as const).map((label) =>
      tile(say(label), { words: say('noFigure') }, say('notCountedYet')),
    )
  }
  const { view, verdicts, answer } = shown
  const seen = view.total + view.excludedIdentities
  const split = splitInWords(verdicts, words)
  const number = (value: number): Value => ({ figure: isolated(count(value), words) })
  return [
    tile(say('entered'), number(view.total), say('inVariants', { count: view.variants.length })),
    tile(
      say('excluded'),
      number(view.excludedIdentities),
      excludesNobody(answer.multiVariant, view.excludedIdentities)
        ? say('noneExcludedNote')
        : seen === 0
          ? say('nobodySeen')
          : say('excludedNote', { share: share(view.excludedIdentities, seen) }),
      verdicts.excludedRatio.status === 'warning' ? 'warning' : undefined,
    ),
    tile(
      say('split'),
      { words: split.headline },
      say(verdicts.assumed ? 'equalAssumed' : 'againstConfigured'),
      split.tone,
    ),
    tile(
      say('countedUpTo'),
      {
        words:
          asOf === null
            ? say('noFigure')
            : element('time', { datetime: asOf.iso, title: asOf.iso }, asOf.label),
      },
      element('span', { class: 'age' }, asOf?.age ?? ''),
    ),
  ]
}

type Value = { readonly figure: HTMLElement } | { readonly words: Child }

function tile(name: string, value: Value, note: Child, tone?: Tone): HTMLElement {
  const content = 'figure' in value ? value.figure : value.words
  const long = 'figure' in value && (value.figure.textContent ?? '').length > 12 ? ' long' : ''
  return element(
    'div',
    { class: `figure ${tone ?? ''}${long}`.trim() },
    element('dt', {}, name),
    element('dd', { class: 'figure' in value ? 'value' : 'value words' }, content),
    element('dd', { class: 'note' }, note),
  )
}
