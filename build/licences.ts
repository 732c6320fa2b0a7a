import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Metafile } from 'esbuild'

/** The files of packages that really went into the output. */
export function bundledFiles({ outputs }: Metafile): readonly string[] {
  return Object.values(outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([file, { bytesInOutput }]) =>
      bytesInOutput > 0 && file.includes('node_modules/') ? [file] : [],
    ),
  )
}

/** The licences and notices of the packages of some files. Each text is there once, under the packages that it is for. */
export function licencesOf(files: Iterable<string>): string {
  const packagesByText = new Map<string, Set<string>>()
  const add = (text: string, name: string): unknown =>
    packagesByText.set(text.trim(), (packagesByText.get(text.trim()) ?? new Set()).add(name))

  for (const file of [...files].sort()) {
    const root = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? file
    const { name, version, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      name: string
      version: string
      license: string
    }
    const title = `${name} ${version} (${license})`
    const texts = readdirSync(root).filter((text) => /^(licen[cs]e|notice)/i.test(text))
    if (!texts.some((text) => /^licen/i.test(text)))
      throw new Error(`${name} has no licence file: do not bundle it.`)
    for (const text of texts) add(readFileSync(join(root, text), 'utf8'), title)
    // Parts that their authors took from elsewhere say so in the file itself.
    for (const [comment] of readFileSync(file, 'utf8').matchAll(/\/\*[*!][^]*?\*\//g)) {
      if (!/@license|@preserve|^\/\*!/.test(comment)) continue
      add(comment.slice(3, -2).replaceAll(/^ ?\* ?/gm, ''), title)
    }
  }
  return [...packagesByText]
    .map(([text, packages]) => `${[...packages].join('\n')}\n\n${text}\n`)
    .join(`\n${'-'.repeat(80)}\n\n`)
}
