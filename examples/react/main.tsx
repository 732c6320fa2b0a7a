// Shows the panel of one experiment of the host service. StrictMode mounts everything twice, to show what is left behind.
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { Exposures } from './exposures.js'

const place = document.getElementById('root')
if (place !== null) {
  createRoot(place).render(
    <StrictMode>
      <h1>Experiments</h1>
      <Exposures url="/experiments/checkout-button/exposures" />
    </StrictMode>,
  )
}
