import { countOf } from '../count-of.js'
import type { SliceAnswer, SlicesAnswer } from '../slices-answer.js'
import { sliceLabel, slicesInWords, sliceVerdicts } from '../slice-words.js'
import { visibleName } from '../variant-label.js'
import type { PanelWords } from '../panel-words.js'
import { dataTable, figure, withoutColumn } from './data-table.js'
import { element } from './element.js'
import { mostVariants, shortNames, wholeText } from './series.js'
import type { Shown } from './shown.js'

/** The split in each slice of the traffic, with a verdict on each. Slices with a mismatch come first. */
export function slicesCard(
  slices: SlicesAnswer,
  { variants, verdicts, words, heading }: Shown,
): readonly HTMLElement[] {
  const { say, count, share, shares, probability } = words
  const { tone, headline, sentences } = slicesInWords(slices, words)
  const columns = mostVariants(
    variants.map(({ key }) => key),
    Object.fromEntries(variants.map(({ key, total }) => [key, total])),
  )
  const name = shortNames(columns, words)
  const title = say('slicesTitle').split('{column}')
  return [
    heading(title[0] ?? '', element('bdi', { class: 'slice' }, visibleName(slices.column)), title[1] ?? ''),
    element('p', { class: `verdict ${tone}` }, headline),
    ...(verdicts.assumed ? [say('assumesEqual')] : [])
      .concat(sentences)
      .map((sentence) => element('p', {}, sentence)),
    dataTable(
      {
        caption: say('slicesCaption'),
        heads: [
          say('value'),
          say('split'),
          say('pCorrected'),
          say('identities'),
          say('excluded'),
          ...columns.map(name),
        ],
        rows: slices.slices.map((slice) => {
          const { counted, byVariant, excluded, status, adjustedPValue } = slice
          const drawn = columns.map((key) => countOf(byVariant, key))
          const rest = counted - drawn.reduce((sum, identities) => sum + identities, 0)
          return {
            head: sliceName(slice, words),
            cells: [
              verdictBadge(status, words),
              adjustedPValue === null ? say('noFigure') : probability(adjustedPValue),
              count(counted),
              figure(share(excluded, counted + excluded), words),
              ...shares([...drawn, rest])
                .slice(0, drawn.length)
                .map((text) => figure(text, words)),
            ],
          }
        }),
      },
      words,
    ),
    ...withoutColumn(variants.length - columns.length, words),
  ]
}

function sliceName(slice: SliceAnswer, words: PanelWords): HTMLElement {
  const isNone = slice.kind !== 'value' || slice.value === ''
  return wholeText(sliceLabel(slice, words), isNone ? 'slice none' : 'slice')
}

function verdictBadge(status: SliceAnswer['status'], { say }: PanelWords): HTMLElement {
  const { tone, label } = sliceVerdicts[status]
  return element('span', { class: tone === 'neutral' ? 'badge' : `badge ${tone}` }, say(label))
}
