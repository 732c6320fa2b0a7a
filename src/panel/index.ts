/**
 * The panel: from a stored state to a live picture of who entered, and whether to trust it.
 *
 * @module first-exposure/panel
 */

// On the server.
export { exposuresAnswer, type ExposuresAnswer, type ExposuresAnswerInput } from './exposures-answer.js'
export type { ExposuresVerdicts, SequentialVerdict } from './exposures-verdicts.js'
export type { AnsweredPair, CrossoversAnswer } from './crossovers-answer.js'
export type { CrossoverMatrix, CrossoverMatrixRow } from './crossover-matrix.js'
export type { SliceAnswer, SlicesAnswer } from './slices-answer.js'
export { exposureFindings, type ExposureFinding, type ExposureFindingCode } from './exposure-findings.js'
export { panelPage } from './panel-page.js'
export type { PanelPageOptions, PanelService } from './page-html.js'
// In the browser.
export {
  mountPanel,
  type Panel,
  type PanelAppearance,
  type PanelOptions,
  type PanelTarget,
} from './browser/mount-panel.js'
export type { AskForAnswer } from './browser/refresh-control.js'
// Its language.
export { panelLabels, type PanelLabels, type PluralLabel } from './panel-labels.js'
export type { PanelLanguage } from './panel-words.js'
