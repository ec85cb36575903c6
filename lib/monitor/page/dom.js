/**
 * An element with attributes and children. Text is never taken for markup.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string>} [attributes]
 * @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/**
 * The same for SVG.
 *
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string>} [attributes]
 * @param {Node[]} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function graphic(tag, attributes = {}, ...children) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/**
 * One of the page's symbols.
 *
 * @param {string} name
 */
export function icon(name) {
  return graphic('svg', { class: 'icon', 'aria-hidden': 'true' }, graphic('use', { href: `#icon-${name}` }));
}

/**
 * Sets a text if it is another one: what did not change costs no layout.
 *
 * @param {Element} target
 * @param {string} text
 */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/**
 * The same for an attribute.
 *
 * @param {Element} target
 * @param {string} name
 * @param {string} value
 */
export function setAttribute(target, name, value) {
  if (target.getAttribute(name) !== value) target.setAttribute(name, value);
}

/**
 * Shows a moment in the viewer's zone, with the exact one for who points at it.
 *
 * @param {HTMLTimeElement} target
 * @param {number | null} atMs
 * @param {string} text
 */
export function setTime(target, atMs, text) {
  setText(target, text);
  if (atMs === null) {
    target.removeAttribute('datetime');
    target.removeAttribute('title');
    return;
  }
  const iso = new Date(atMs).toISOString();
  setAttribute(target, 'datetime', iso);
  setAttribute(target, 'title', iso);
}

/**
 * The element with that id, which the page has.
 *
 * @template {Element} T
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T}
 */
export function byId(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`The page lacks #${id}`);
  return found;
}
