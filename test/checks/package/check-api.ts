import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CompilerState,
  ConsoleMessageId,
  Extractor,
  ExtractorConfig,
  ExtractorLogLevel,
} from '@microsoft/api-extractor'
import { entryPoints, project } from './manifest.js'

// Compares the public types of every entry point, as built, with the reviewed reports beside this file, so that a
// change of the surface is seen in review. `npm run check:api` compares; `npm run check:api -- --local` accepts.

const reportFolder = join(import.meta.dirname, 'api')
const reportTempFolder = mkdtempSync(join(tmpdir(), 'first-exposure-api-'))
const diff: string = ConsoleMessageId.ApiReportDiff
const accept = process.argv.includes('--local')

const extractors = entryPoints.map(({ file, types }) =>
  ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: join(project, 'package.json'),
    configObject: {
      projectFolder: project,
      mainEntryPointFilePath: join(project, types),
      newlineKind: 'lf',
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            lib: ['ES2024', 'DOM'],
            module: 'NodeNext',
            moduleResolution: 'NodeNext',
            strict: true,
            exactOptionalPropertyTypes: true,
            types: [],
          },
          files: [types],
        },
      },
      apiReport: { enabled: true, reportFileName: `${file}.api.md`, reportFolder, reportTempFolder },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      // Links, and types that nobody can import, are looked at over all entry points at once: by `npm run docs`.
      messages: {
        extractorMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
      },
    },
  }),
)
const [first, ...others] = extractors
if (first === undefined) throw new Error('package.json names no entry point.')

const changed: string[] = []
try {
  mkdirSync(reportFolder, { recursive: true })
  const compilerState = CompilerState.create(first, {
    additionalEntryPoints: others.map(({ mainEntryPointFilePath }) => mainEntryPointFilePath),
  })
  for (const extractor of extractors) {
    const { apiReportChanged } = Extractor.invoke(extractor, {
      compilerState,
      localBuild: accept,
      printApiReportDiff: true,
      // Its hints are about its own command line.
      messageCallback: (message) => {
        message.handled = true
        if (message.messageId === diff) console.log(message.text)
      },
    })
    if (apiReportChanged) changed.push(extractor.reportFilePath)
  }
  for (const file of readdirSync(reportFolder)) {
    if (extractors.some(({ reportFilePath }) => reportFilePath === join(reportFolder, file))) continue
    changed.push(join(reportFolder, file))
    if (accept) rmSync(join(reportFolder, file))
  }
} finally {
  rmSync(reportTempFolder, { recursive: true })
}

const files = changed.map((file) => `  ${file.slice(project.length + 1)}\n`).join('')
if (changed.length === 0) {
  console.log(`The public types of ${extractors.length} entry points are as reviewed.`)
} else if (accept) {
  console.log(`Accepted; commit them:\n${files}`)
} else {
  console.error(
    `The public types are not those that were reviewed:\n${files}If the change is meant, run npm run check:api -- --local and commit the reports.`,
  )
  process.exitCode = 1
}
