// The colours of the lines, light and dark: 0 is the control's, 1 to 8 are for the others. Each has a dash of its own,
// so that nobody needs to tell colours apart.
const pens: readonly (readonly [light: string, dark: string, dash: string])[] = [
  ['#3d4757', '#d4dae4', 'none'],
  ['#1d6fd1', '#6cb2ff', '12 6'],
  ['#bf5108', '#ff9d5c', '3 6'],
  ['#15803d', '#5fd38d', '9 4 2 4'],
  ['#7c3aed', '#b79cff', '6 6'],
  ['#be185d', '#ff8ec6', '2 4'],
  ['#0e7490', '#5ad1e6', '14 8'],
  ['#8a6100', '#e3c566', '8 4 2 4 2 4'],
  ['#5b21b6', '#9ee37d', '18 4 4 4'],
]

// What a page may change: each is `--first-exposure-…` outside.
const colours: Readonly<Record<string, readonly [light: string, dark: string]>> = {
  paper: ['#f6f7f9', '#101318'],
  card: ['#ffffff', '#191d24'],
  ink: ['#16191f', '#eceff4'],
  faint: ['#586172', '#a3adbd'],
  line: ['#dfe3ea', '#2c323d'],
  'strong-line': ['#8a93a3', '#6c7686'],
  accent: ['#1d5fd1', '#7db4ff'],
  good: ['#13703a', '#6fd696'],
  'good-paper': ['#e7f5ec', '#12301f'],
  warning: ['#8a4b00', '#ffbd66'],
  'warning-paper': ['#fff3dc', '#38280f'],
  bad: ['#b3191f', '#ff9192'],
  'bad-paper': ['#fdeaea', '#411a1c'],
  ...Object.fromEntries(pens.map(([light, dark], pen) => [`pen-${pen}`, [light, dark] as const])),
}

const properties = (value: (light: string, dark: string) => string): string =>
  Object.entries(colours)
    .map(([name, [light, dark]]) => `--${name}: var(--first-exposure-${name}, ${value(light, dark)});`)
    .join('\n')

/** The styles of a panel, for its shadow root. */
export const panelStyle: string = /* @__PURE__ */ (() => `
:host {
  display: block;
  container-type: inline-size;
  ${properties((light) => light)}
}
@supports (color: light-dark(#000, #fff)) {
  :host {
    ${properties((light, dark) => `light-dark(${light}, ${dark})`)}
  }
}
* {
  box-sizing: border-box;
}
.panel {
  display: grid;
  grid-template-columns: minmax(0, 1fr);
  gap: 16px;
  padding: var(--first-exposure-padding, 0);
  color: var(--ink);
  font: 15px/1.5 var(--first-exposure-font, system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif);
  text-align: start;
}
[hidden] {
  display: none !important;
}
.unseen {
  position: absolute;
  width: 1px;
  height: 1px;
  margin: 0;
  overflow: hidden;
  clip-path: inset(50%);
  white-space: nowrap;
}
p {
  margin: 0 0 8px;
  overflow-wrap: anywhere;
}
p:last-child {
  margin-bottom: 0;
}
h1,
h2,
h3,
h4,
h5,
h6 {
  min-width: 0;
  margin: 0;
  font-size: 17px;
  font-weight: 700;
  line-height: 1.25;
  overflow-wrap: anywhere;
}
.title > :first-child {
  font-size: 26px;
}
.note {
  color: var(--faint);
  font-size: 13px;
}
:focus-visible {
  outline: 2px solid var(--accent);
  outline-offset: 2px;
}

header {
  display: grid;
  grid-template-columns: minmax(0, 1fr) auto;
  gap: 8px 24px;
  align-items: center;
}
.title {
  display: flex;
  flex-wrap: wrap;
  gap: 6px 12px;
  align-items: center;
  min-width: 0;
}
.about {
  grid-column: 1 / -1;
  display: flex;
  flex-wrap: wrap;
  gap: 8px 24px;
  align-items: center;
  justify-content: space-between;
}
.about p {
  margin: 0;
}
.badge {
  padding: 1px 8px;
  border: 1px solid var(--strong-line);
  border-radius: 999px;
  color: var(--faint);
  font-size: 12px;
  font-weight: 600;
  white-space: nowrap;
}
.badge.good,
.badge.bad,
.badge.warning {
  border-color: currentColor;
}
.badge.good,
.verdict.good,
.figure.good .value {
  color: var(--good);
}
.badge.bad,
.verdict.bad,
.figure.bad .value {
  color: var(--bad);
}
.badge.warning,
.verdict.warning,
p.warning,
.figure.warning .value {
  color: var(--warning);
}
.title .badge {
  flex: none;
}
.refresh {
  display: flex;
  flex-wrap: wrap;
  gap: 4px 12px;
  align-items: center;
  justify-content: end;
}
button {
  min-height: 38px;
  padding: 6px 16px;
  border: 1px solid var(--accent);
  border-radius: 8px;
  background: var(--accent);
  color: var(--card);
  font: inherit;
  font-weight: 600;
  cursor: pointer;
}
button[aria-disabled='true'] {
  border-color: var(--strong-line);
  background: transparent;
  color: var(--faint);
  cursor: default;
}
button.busy::before {
  content: '';
  display: inline-block;
  width: 12px;
  height: 12px;
  margin-inline-end: 8px;
  border: 2px solid currentColor;
  border-right-color: transparent;
  border-radius: 50%;
  vertical-align: -1px;
  animation: turn 1s linear infinite;
}
@keyframes turn {
  to {
    transform: rotate(1turn);
  }
}
@media (prefers-reduced-motion: reduce) {
  button.busy::before {
    animation: none;
  }
}

.banner {
  padding: 12px 16px;
  border: 1px solid var(--line);
  border-inline-start: 4px solid var(--strong-line);
  border-radius: 8px;
  background: var(--card);
}
.banner p {
  margin: 0;
}
.banner.good {
  border-inline-start-color: var(--good);
  background: var(--good-paper);
}
.banner.warning {
  border-inline-start-color: var(--warning);
  background: var(--warning-paper);
}
.banner.bad {
  border-inline-start-color: var(--bad);
  background: var(--bad-paper);
}

.figures {
  display: grid;
  grid-template-columns: repeat(4, minmax(0, 1fr));
  gap: 16px;
  margin: 0;
}
.figure,
.card {
  min-width: 0;
  border: 1px solid var(--line);
  border-radius: 10px;
  background: var(--card);
}
.figure {
  padding: 12px 16px;
}
.figure dt {
  color: var(--faint);
  font-size: 13px;
}
.figure dd {
  margin: 0;
}
.figure .value {
  font-size: 24px;
  font-weight: 650;
  line-height: 36px;
  font-variant-numeric: tabular-nums;
}
.figure .value.words {
  padding: 6px 0 4px;
  font-size: 17px;
  line-height: 1.35;
}
.figure.long .value {
  font-size: 18px;
}
.card {
  padding: 16px;
}
.columns {
  display: grid;
  grid-template-columns: minmax(0, 5fr) minmax(0, 6fr);
  gap: 12px 32px;
  align-items: start;
}
.stacked thead th {
  white-space: nowrap;
}
.columns .table > .scroll {
  margin-top: 0;
}
.columns .stacked thead th {
  white-space: normal;
}
.columns .stacked th {
  min-width: 4em;
}
.columns .stacked th:first-child {
  min-width: 6em;
}
.stack {
  display: grid;
  grid-template-columns: minmax(0, 1fr);
  gap: 12px;
}
.nobody {
  padding: 40px 16px;
  color: var(--faint);
  text-align: center;
}
.card-head {
  display: flex;
  flex-wrap: wrap;
  gap: 8px 24px;
  align-items: center;
  justify-content: space-between;
}

.switch {
  display: flex;
  flex-wrap: wrap;
  gap: 4px;
  align-items: center;
  min-width: 0;
  margin: 0;
  padding: 0;
  border: 0;
  font-size: 13px;
}
.switch legend {
  float: inline-start;
  margin-inline-end: 6px;
  padding: 0;
  color: var(--faint);
}
.switch label {
  position: relative;
  cursor: pointer;
}
.switch input {
  position: absolute;
  inset: 0;
  width: 100%;
  height: 100%;
  margin: 0;
  opacity: 0;
  cursor: pointer;
}
.switch span {
  display: block;
  padding: 5px 12px;
  border: 1px solid var(--line);
  border-radius: 8px;
  background: var(--card);
}
.switch :checked + span {
  border-color: var(--accent);
  color: var(--accent);
  font-weight: 600;
}
.switch :focus-visible + span {
  outline: 2px solid var(--accent);
  outline-offset: 2px;
}

.readout {
  margin-top: 8px;
  font-size: 14px;
}
.readout .bucket {
  margin: 0;
  color: var(--faint);
}
.readout ul {
  display: flex;
  flex-wrap: wrap;
  gap: 2px 24px;
  margin: 0;
  padding: 0;
  list-style: none;
}
.readout li {
  display: flex;
  gap: 8px;
  align-items: center;
  min-width: 0;
}
.number {
  font-weight: 650;
  font-variant-numeric: tabular-nums;
}
.variant,
.slice {
  min-width: 0;
  overflow-wrap: anywhere;
}
.variant.empty,
.slice.none {
  color: var(--faint);
  font-style: italic;
}
.whole[open] > summary {
  color: var(--faint);
}
.whole > summary {
  color: inherit;
  font-size: inherit;
}
.chart-frame {
  margin-top: 8px;
  border-radius: 6px;
  touch-action: pan-y;
  cursor: crosshair;
}
.chart {
  display: block;
  width: 100%;
  direction: ltr;
}
.tick {
  fill: var(--faint);
  font-size: 12px;
  font-variant-numeric: tabular-nums;
}
.grid {
  stroke: var(--line);
}
.axis {
  stroke: var(--strong-line);
}
.open {
  fill: url(#hatching);
}
.hatch {
  stroke: var(--strong-line);
  stroke-width: 1.5;
  opacity: 0.6;
}
.band {
  fill: var(--accent);
  opacity: 0.12;
}
.swatch,
.spark {
  flex: none;
}
.line {
  fill: none;
  stroke-width: 2.5;
  stroke-linejoin: round;
}
.dot {
  stroke: var(--card);
  stroke-width: 1.5;
}
.mark {
  fill: none;
  stroke-width: 2;
}
${pens
  .map(
    ([, , dash], pen) => `
.pen-${pen}:is(.line, .mark, .dot.partial) {
  stroke: var(--pen-${pen});
}
.line.pen-${pen} {
  stroke-dasharray: ${dash};
}
.pen-${pen}:is(.dot, .share-bar) {
  fill: var(--pen-${pen});
}`,
  )
  .join('')}
.dot.partial {
  fill: var(--card);
}
.notes {
  margin-top: 4px;
}

summary {
  padding: 4px 0;
  color: var(--accent);
  font-size: 14px;
  cursor: pointer;
}
.hint {
  display: none;
  margin: 8px 0 0;
  color: var(--faint);
  font-size: 12px;
}
.scrolls > .hint {
  display: block;
}
.hint::before {
  content: '⟷ ';
}
.scroll {
  margin-top: 8px;
  overflow: auto;
}
.scrolls > .scroll {
  border-inline-end: 1px dashed var(--strong-line);
}
.numbers .scroll {
  max-height: 420px;
}
table {
  width: 100%;
  border-collapse: collapse;
  font-size: 14px;
  font-variant-numeric: tabular-nums;
}
th,
td {
  padding: 6px 8px;
  border-bottom: 1px solid var(--line);
  text-align: end;
}
td {
  white-space: nowrap;
}
thead th {
  min-width: 5em;
}
th:first-child {
  position: sticky;
  inset-inline-start: 0;
  min-width: 10em;
  max-width: 22em;
  padding-inline-start: 0;
  background: var(--card);
  text-align: start;
  white-space: normal;
  overflow-wrap: anywhere;
}
tr > :last-child {
  padding-inline-end: 0;
}
thead th {
  position: sticky;
  top: 0;
  background: var(--card);
  color: var(--faint);
  font-size: 13px;
  font-weight: 500;
  vertical-align: bottom;
}
thead th:first-child {
  z-index: 1;
}
tbody th {
  font-weight: 400;
}
tfoot td,
tfoot th {
  font-weight: 650;
}
.variants tfoot tr:last-child > * {
  border-bottom: 0;
  color: var(--faint);
  font-weight: 400;
}
.variant-head {
  display: flex;
  gap: 8px;
  align-items: center;
  min-width: 0;
}
.variant-head > span {
  min-width: 0;
}
.variants th:first-child {
  width: 34%;
  max-width: none;
}
.variants td:nth-child(3) {
  width: 42%;
}
.ledger th:first-child {
  min-width: 14em;
}
/* As wide as a usual name of a variant, which would break in its last letter otherwise. */
.ledger thead th:not(:first-child) {
  min-width: 6.5em;
}
.ledger tr.total > * {
  font-weight: 650;
}
.ledger tr.less > th {
  padding-inline-start: 20px;
}
.ledger tr.nothing > * {
  color: var(--faint);
}
.table + .note {
  margin-top: 10px;
}
.with-bar {
  display: flex;
  gap: 10px;
  align-items: center;
  justify-content: end;
  white-space: nowrap;
}
.with-bar .share {
  min-width: 5.5em;
}
.bar {
  display: block;
  flex: 1;
  width: 100%;
  min-width: 120px;
  height: 12px;
}
[dir='rtl'] .bar,
:host-context([dir='rtl']) .bar {
  transform: scaleX(-1);
}
.bar rect {
  fill: var(--strong-line);
}
.should-be {
  stroke: var(--ink);
  stroke-width: 2;
  vector-effect: non-scaling-stroke;
}
.total .bar rect,
.spark rect {
  fill: var(--accent);
}
.verdict {
  margin: 6px 0;
  font-size: 18px;
  font-weight: 650;
}
.evidence {
  margin: 12px 0 0;
  font-size: 14px;
}
.evidence dt {
  margin-top: 8px;
  font-weight: 600;
}
.evidence dd {
  margin: 0;
}

@container (max-width: 760px) {
  .panel,
  .figures {
    gap: 12px;
  }
  .title > :first-child {
    font-size: 21px;
  }
  .columns {
    grid-template-columns: minmax(0, 1fr);
  }
  .figures {
    grid-template-columns: repeat(2, minmax(0, 1fr));
  }
  .figure {
    padding: 10px 12px;
  }
  .figure .value {
    font-size: 20px;
    line-height: 30px;
  }
  .figure .value.words {
    padding: 3px 0;
    font-size: 15px;
    line-height: 1.35;
  }
  header {
    grid-template-columns: minmax(0, 1fr);
  }
  .refresh {
    justify-content: start;
  }
  button {
    order: -1;
  }
  table {
    font-size: 13px;
  }
  th,
  td {
    padding: 6px 4px;
  }
  th:first-child,
  .ledger th:first-child {
    min-width: 9em;
    max-width: 40cqi;
  }
  thead th {
    font-size: 12px;
  }
  .card {
    padding: 12px;
  }
}
@container (max-width: 600px) {
  .bar {
    display: none;
  }
  .stacked table {
    display: grid;
    grid-template-columns: repeat(var(--cells), auto);
  }
  .cells-2 {
    --cells: 2;
  }
  .cells-3 {
    --cells: 3;
  }
  .cells-4 {
    --cells: 4;
  }
  .stacked :is(thead, tbody, tfoot, tr) {
    display: contents;
  }
  .stacked th:first-child {
    grid-column: 1 / -1;
    width: auto;
    max-width: none;
    padding-bottom: 0;
    border-bottom: 0;
  }
  .stacked thead th:first-child {
    padding-bottom: 0;
  }
  .stacked :is(td, thead th:not(:first-child)) {
    width: auto;
    min-width: auto;
    padding-top: 2px;
  }
  .stacked thead th,
  .columns .stacked thead th {
    position: static;
    white-space: nowrap;
  }
  .columns .stacked th {
    min-width: auto;
  }
}
@container (max-width: 480px) {
  .figures:has(.long) {
    grid-template-columns: minmax(0, 1fr);
  }
}
@media (forced-colors: active) {
  :host {
    ${Object.keys(colours)
      .map(
        (name) =>
          `--${name}: ${/paper|card/.test(name) ? 'Canvas' : name === 'accent' ? 'LinkText' : 'CanvasText'};`,
      )
      .join('\n')}
  }
  .switch :checked + span {
    outline: 2px solid Highlight;
    outline-offset: -2px;
  }
  button {
    border-color: ButtonText;
  }
  .band {
    opacity: 0.25;
  }
}
@media print {
  .refresh,
  .switch,
  .hint {
    display: none !important;
  }
  .scroll {
    max-height: none !important;
    overflow: visible !important;
  }
  th {
    position: static !important;
  }
  .card,
  .figure,
  tr {
    break-inside: avoid;
  }
}
`)()

/** The styles of a page that holds nothing but a panel. */
export const pageStyle: string = `
:root {
  color-scheme: light dark;
}
body {
  margin: 0;
  background: #f6f7f9;
}
@supports (color: light-dark(#000, #fff)) {
  body {
    background: light-dark(#f6f7f9, #101318);
  }
}
main,
footer {
  max-width: 1120px;
  margin: 0 auto;
  padding: 28px 24px 16px;
}
footer {
  padding-top: 0;
  font: 13px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif;
}
pre {
  max-height: 320px;
  overflow: auto;
  font-size: 12px;
  white-space: pre-wrap;
}
@media (max-width: 760px) {
  main,
  footer {
    padding: 16px 12px;
  }
}
@media print {
  footer {
    display: none;
  }
}
`
