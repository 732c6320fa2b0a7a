import { copyFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { mustBe, type Cell } from './cell.js'
import { expectedAnswers } from './expected-answers.js'
import { inChromium } from './in-chromium.js'
import { consumer, run, versionOf, writeScript, type Workspace } from './workspace.js'

const bundlers = { esbuild: '0.28.2', vite: '8.3.8', webpack: '5.112.2' }
// `npm run check:size` holds the function to 1 kB; here the bundler's own code and the page's are weighed with it.
const treeShakenBytes = 1150

/** Each bundler's output runs, in Node and in a browser, and holds no more than what was imported. */
export function bundlerCells(workspace: Workspace): Cell[] {
  let prepared: Promise<string> | undefined
  const prepare = async (): Promise<string> => {
    const packages = Object.entries(bundlers).map(([name, version]) => `${name}@${version}`)
    const cwd = await workspace.project('bundlers', packages)
    await copyFile(join(import.meta.dirname, 'bundle.mjs'), join(cwd, 'bundle.mjs'))
    for (const name of ['every-entry-point', 'select-granularity'])
      await writeScript(await consumer(name), 'esm', cwd, `${name}.mjs`)
    return cwd
  }

  return Object.entries(bundlers).flatMap(([bundler, version]) => {
    const bundle = async (name: string): Promise<{ readonly cwd: string; readonly file: string }> => {
      const cwd = await (prepared ??= prepare())
      mustBe(await versionOf(cwd, bundler), version)
      const file = `out/${bundler}-${name}.mjs`
      await run(process.execPath, ['bundle.mjs', bundler, `${name}.mjs`, file], cwd)
      return { cwd, file }
    }
    return [
      {
        group: 'bundler',
        title: `${bundler} ${version}, every entry point`,
        async run(): Promise<string> {
          const { cwd, file } = await bundle('every-entry-point')
          mustBe(JSON.parse(await run(process.execPath, [file], cwd)), expectedAnswers)
          return `bundled, minified; the output ran in Node ${process.version}`
        },
      },
      {
        group: 'bundler',
        title: `${bundler} ${version}, selectGranularity alone`,
        async run(): Promise<string> {
          const { cwd, file } = await bundle('select-granularity')
          mustBe(await run(process.execPath, [file], cwd), 'day')
          const bytes = gzipSync(await readFile(join(cwd, file))).byteLength
          if (bytes >= treeShakenBytes)
            throw new Error(`costs ${bytes} B gzip, not less than ${treeShakenBytes} B`)
          return `${bytes} B gzip, of ${treeShakenBytes}; the output ran in Node ${process.version}`
        },
      },
      {
        group: 'Chromium',
        title: `${bundler} ${version}, every entry point`,
        async run(): Promise<string> {
          const { cwd, file } = await bundle('every-entry-point')
          const { printed, version: chromium } = await inChromium(await readFile(join(cwd, file), 'utf8'))
          mustBe(JSON.parse(printed), expectedAnswers)
          return `the output ran in Chromium ${chromium}, in a page that forbids eval`
        },
      },
    ]
  })
}
