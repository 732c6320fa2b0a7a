/**
 * Makes the children of an element equal to others, and changes no more than it must: so the focus, a selection, open
 * details and scrolled places stay where they are when new numbers come.
 */
export function patchChildren(parent: Element, next: readonly (Node | string)[]): void {
  next.forEach((node, place) => {
    const old = parent.childNodes[place]
    if (old === undefined) parent.append(node)
    else if (typeof node === 'string') {
      if (old.nodeType === Node.TEXT_NODE) patchText(old, node)
      else old.replaceWith(node)
    } else patchNode(old, node)
  })
  while (parent.childNodes.length > next.length) parent.lastChild?.remove()
}

function patchNode(old: ChildNode, next: Node): void {
  if (old === next || old.isEqualNode(next)) return
  if (next.nodeType === Node.TEXT_NODE && old.nodeType === Node.TEXT_NODE) {
    patchText(old, next.nodeValue ?? '')
  } else if (old instanceof Element && next instanceof Element && old.nodeName === next.nodeName) {
    patchAttributes(old, next)
    patchChildren(old, [...next.childNodes])
  } else {
    old.replaceWith(next)
  }
}

function patchText(old: ChildNode, text: string): void {
  if (old.nodeValue !== text) old.nodeValue = text
}

function patchAttributes(old: Element, next: Element): void {
  for (const { name, value } of next.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value)
  }
  for (const name of old.getAttributeNames()) {
    // Whether details are open is the reader's.
    if (name !== 'open' && !next.hasAttribute(name)) old.removeAttribute(name)
  }
}
