import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { project } from './manifest.js'

const built = (file: string): string => readFileSync(join(project, 'dist', file), 'utf8')

/** The file of the package from which a built entry takes a name only to pass it on, as bundlers resolve it. */
function fileOf(name: string, entry: string): string {
  for (const [, names, file] of built(entry).matchAll(/^import \{([^}]*)\} from "\.\/([^"]*)";$/gm)) {
    if (names?.split(/[\s,]+/).includes(name) === true) return file ?? ''
  }
  return entry
}

/** A file with all that it imports, whole: what a bundler takes that keeps or drops whole files. */
function whole(file: string, taken: ReadonlySet<string> = new Set()): ReadonlySet<string> {
  if (taken.has(file)) return taken
  const imported = [...built(file).matchAll(/^(?:import|\} from) "\.\/([^"]*)";$/gm)]
  return imported.reduce(
    (all, [, next]) => whole(next ?? '', all),
    new Set([...taken, file]) as ReadonlySet<string>,
  )
}

const text = (name: string): string => [...whole(fileOf(name, 'panel.js'))].map(built).join('\n')

test('a page that takes whole files carries mountPanel without what runs on a server', () => {
  expect(text('mountPanel')).toContain('// src/panel/browser/mount-panel.ts\n')
  expect(text('mountPanel')).not.toMatch(
    /\/\/ (src\/(statistics|sql|scan|experiment|panel\/(exposures-answer|page-html))|node_modules\/@stdlib)/,
  )
})

test('the server carries all of it', () => {
  expect(text('exposuresAnswer')).toMatch(/\/\/ src\/statistics\/sample-ratio\.ts\n/)
  expect(text('exposuresAnswer')).toMatch(/\/\/ node_modules\/@stdlib/)
})
