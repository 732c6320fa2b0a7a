import { configureGlobal } from 'fast-check'

// The same inputs for every mutant, and no search for the smallest that fails: whether one fails is all that counts.
configureGlobal({ seed: 1, endOnFailure: true })
