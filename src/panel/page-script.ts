/** The script of a page, and what belongs to it. */
export interface PageScript {
  /** The panel as a script without imports. */
  readonly code: string
  /** How a content security policy names exactly this text. */
  readonly hash: string
  /** The licences of the code in it. */
  readonly licences: string
}

/**
 * The script of every page: empty in the source. Where the package is built or tested, the bundled
 * `browser/page-main.ts` takes its place; see `build/page-script.ts`.
 */
export const pageScript: PageScript = { code: '', hash: '', licences: '' }
