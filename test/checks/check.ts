import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

// Runs everything that must hold before a release, in order, and stops at the first that does not: `npm run check`.
// `npm run check -- --quick` leaves out what takes many minutes; a machine that tests every commit runs that.

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>
}

// From what fails soonest to what needs the built package.
const quick = [
  'types',
  'lint',
  'check:unused',
  'test',
  'test:slow',
  'build',
  'check:size',
  'check:api',
  'docs',
  'check:package',
]
// A soak runs overnight, and a cluster is not on every machine.
const byHand = ['check:cluster', 'test:soak']
// Whatever else is called a check or a test takes many minutes, until it is named above: none is forgotten.
const slow = Object.keys(scripts).filter(
  (name) => /^(check|test):/.test(name) && ![...quick, ...byHand].includes(name),
)

const steps = process.argv.includes('--quick') ? quick : [...quick, ...slow]
const took: string[] = []
for (const [index, step] of steps.entries()) {
  console.log(`\n== ${index + 1}/${steps.length} npm run ${step}`)
  const startedAt = performance.now()
  const { status } = spawnSync('npm', ['run', '--silent', step], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  })
  const line = `${step.padEnd(16)} ${((performance.now() - startedAt) / 1000).toFixed(0).padStart(5)} s`
  if (status !== 0) {
    console.error(
      `\nFAILED: npm run ${step} (step ${index + 1} of ${steps.length}). The later steps were not run.`,
    )
    process.exit(1)
  }
  took.push(line)
}
console.log(`\nEverything holds.\n${took.join('\n')}`)
if (steps === quick && slow.length > 0) console.log(`Not run, because it takes long: ${slow.join(', ')}`)
