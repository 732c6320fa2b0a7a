import { lowestOf, manifest } from '../package/manifest.js'
import { mustBe, type Cell } from './cell.js'
import { expectedAnswers } from './expected-answers.js'
import { consumer, run, writeScript, type Workspace } from './workspace.js'

const platform = `${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
// The lowest that `engines` allows, and the newest of each line.
const versions = [lowestOf(manifest.engines.node), '20', '22', '24']

/** Every entry point, imported and required by the binaries of each line of Node, with nothing else installed. */
export function nodeCells(workspace: Workspace): Cell[] {
  return versions.flatMap((version) => {
    let prepared: Promise<string> | undefined
    const prepare = async (): Promise<string> => {
      const cwd = await workspace.project(`node-${version}`, [`node@npm:node-${platform}@${version}`])
      const code = await consumer('every-entry-point')
      await writeScript(code, 'esm', cwd, 'consumer.mjs')
      await writeScript(code, 'cjs', cwd, 'consumer.cjs')
      return cwd
    }
    return [
      { kind: 'ESM', file: 'consumer.mjs' },
      { kind: 'CommonJS', file: 'consumer.cjs' },
    ].map(({ kind, file }) => ({
      group: 'Node',
      title: `Node ${version}, ${kind}`,
      async run(): Promise<string> {
        const cwd = await (prepared ??= prepare())
        const node = './node_modules/node/bin/node'
        mustBe(JSON.parse(await run(node, [file], cwd)), expectedAnswers)
        return `${await run(node, ['--version'], cwd)} ran a real call to every entry point`
      },
    }))
  })
}
