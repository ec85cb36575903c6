/** Names of the DOM that playwright-core's types mention. The DOM's own library would change types that Node has as well. */
type Node = object;
type HTMLElement = object;
type SVGElement = object;
type HTMLElementTagNameMap = Record<string, HTMLElement>;
