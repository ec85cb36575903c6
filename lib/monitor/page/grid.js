import { CameraView } from './camera-view.js';
import { columnsOf } from './columns.js';
import { setAttribute } from './dom.js';
import { kindOf, rankOf } from './words.js';

/** @typedef {import('./store.js').Camera} Camera */
/** @typedef {import('./store.js').Store} Store */
/** @typedef {'all' | 'trouble' | 'idle' | 'well'} Filter */
/** @typedef {'trouble' | 'name' | 'age'} Order */
/** @typedef {'auto' | 'large' | 'small'} Density */

/** More cameras than this are shown small, where the viewer does not say otherwise. */
const MANY = 16;
/** For so long after the pointer or the keyboard was used among the tiles they keep their places. */
const IN_USE_MS = 5000;
/** What a large tile needs, in rem: four fit into a window of 1280 px. */
const LEAST_WIDTH = 17.5;

const names = new Intl.Collator(undefined, { numeric: true });

/** @type {Record<Order, (a: Camera, b: Camera) => number>} */
const orders = {
  trouble: (a, b) => rankOf(a.facts.status) - rankOf(b.facts.status) || names.compare(a.id, b.id),
  name: (a, b) => names.compare(a.id, b.id),
  age: (a, b) => (b.facts.ageMs ?? Infinity) - (a.facts.ageMs ?? Infinity) || names.compare(a.id, b.id),
};

/**
 * Whether a camera is among those that a filter shows.
 *
 * @param {Camera} camera
 * @param {Filter} filter
 */
export function isAmong({ facts }, filter) {
  if (filter === 'all') return true;
  if (filter === 'trouble') return !facts.healthy;
  return facts.healthy && kindOf(facts.status) === filter;
}

/** The tiles: one a camera, as many as the filter lets through, drawn while they can be seen. */
export class Grid {
  /** @type {Map<string, CameraView>} */
  #views = new Map();
  /** @type {Set<CameraView>} */
  #visible = new Set();
  /** @type {WeakMap<Element, CameraView>} */
  #viewOf = new WeakMap();
  #element;
  #store;
  #pictures;
  #onEnlarge;
  #observer;
  #filter = /** @type {Filter} */ ('all');
  #order = /** @type {Order} */ ('trouble');
  #density = /** @type {Density} */ ('auto');
  #search = '';
  #actions = '';
  #usedAt = -Infinity;
  #width = 0;

  /**
   * @param {HTMLElement} target
   * @param {Store} store
   * @param {import('./pictures.js').Pictures} pictures
   * @param {(id: string) => void} onEnlarge
   */
  constructor(target, store, pictures, onEnlarge) {
    this.#element = target;
    this.#store = store;
    this.#pictures = pictures;
    this.#onEnlarge = onEnlarge;
    this.#observer = new IntersectionObserver((entries) => this.#onSeen(entries), { rootMargin: '80px' });
    new ResizeObserver(([entry]) => {
      this.#width = entry?.contentRect.width ?? 0;
      this.#setColumns();
    }).observe(target);
    for (const use of ['pointermove', 'pointerdown', 'keydown', 'focusin']) {
      target.addEventListener(use, () => (this.#usedAt = performance.now()), { passive: true });
    }
  }

  /** How many tiles there are to be seen by scrolling. */
  get shown() {
    return [...this.#views.values()].filter(({ root }) => !root.hidden).length;
  }

  /** @param {{ filter?: Filter, order?: Order, density?: Density, search?: string }} choice */
  choose({ filter = this.#filter, order = this.#order, density = this.#density, search = this.#search }) {
    this.#filter = filter;
    this.#order = order;
    this.#density = density;
    this.#search = search.trim().toLowerCase();
    this.#arrange(true);
  }

  /** After a connection was made: the server, and what buttons it has, may be another one. */
  restart() {
    const actions = JSON.stringify(this.#store.terms.actions);
    if (actions !== this.#actions) for (const id of [...this.#views.keys()]) this.#remove(id);
    this.#actions = actions;
    this.draw();
  }

  /** Shows what the store knows now. */
  draw() {
    const { cameras, terms, nowMs } = this.#store;
    for (const id of [...this.#views.keys()]) if (!cameras.has(id)) this.#remove(id);
    for (const camera of cameras.values()) {
      const view = this.#views.get(camera.id) ?? this.#add(camera);
      this.#pictures.setFlowing(view, kindOf(camera.facts.status) === 'well');
      if (this.#visible.has(view)) view.draw(camera, nowMs, terms);
      else view.mark(camera.facts.status);
    }
    this.#arrange(false);
  }

  /**
   * The picture in a camera's tile.
   *
   * @param {string} id
   */
  pictureOf(id) {
    return this.#views.get(id)?.picture ?? null;
  }

  /** @param {Camera} camera */
  #add(camera) {
    const { terms, nowMs } = this.#store;
    const view = new CameraView(camera, terms.actions, false);
    view.draw(camera, nowMs, terms);
    view.enlarge.addEventListener('click', () => this.#onEnlarge(camera.id));
    this.#views.set(camera.id, view);
    this.#viewOf.set(view.root, view);
    this.#element.append(view.root);
    this.#pictures.add(view, false);
    this.#observer.observe(view.root);
    return view;
  }

  /** @param {string} id */
  #remove(id) {
    const view = this.#views.get(id);
    if (view === undefined) return;
    this.#observer.unobserve(view.root);
    this.#visible.delete(view);
    this.#pictures.remove(view);
    this.#views.delete(id);
    view.close();
  }

  /** @param {IntersectionObserverEntry[]} entries */
  #onSeen(entries) {
    for (const { target, isIntersecting } of entries) {
      const view = this.#viewOf.get(target);
      if (view === undefined) continue;
      this.#pictures.setVisible(view, isIntersecting);
      const camera = this.#store.cameras.get(view.id);
      if (!isIntersecting) this.#visible.delete(view);
      else if (camera !== undefined) {
        this.#visible.add(view);
        view.draw(camera, this.#store.nowMs, this.#store.terms);
      }
    }
  }

  /** @param {boolean} isAsked by the viewer, who then expects tiles to move */
  #arrange(isAsked) {
    const isSmall = this.#density === 'auto' ? this.#views.size > MANY : this.#density === 'small';
    setAttribute(this.#element, 'data-density', isSmall ? 'small' : 'large');
    const cameras = [...this.#store.cameras.values()].sort(orders[this.#order]);
    for (const camera of cameras) {
      const view = this.#views.get(camera.id);
      if (view === undefined) continue;
      const isHidden = !isAmong(camera, this.#filter) || !camera.id.toLowerCase().includes(this.#search);
      if (view.root.hidden !== isHidden) view.root.hidden = isHidden;
    }
    this.#setColumns();
    if (isAsked || !this.#isInUse) this.#reorder(cameras.map(({ id }) => id));
  }

  #setColumns() {
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const gap = parseFloat(getComputedStyle(this.#element).columnGap);
    const columns = String(columnsOf(this.shown, this.#width, LEAST_WIDTH * rem, gap));
    const { style } = this.#element;
    if (style.getPropertyValue('--columns') !== columns) style.setProperty('--columns', columns);
  }

  /** What one is about to press must not move away. */
  get #isInUse() {
    return performance.now() - this.#usedAt < IN_USE_MS;
  }

  /** @param {string[]} ids */
  #reorder(ids) {
    const focused = document.activeElement;
    const usedAt = this.#usedAt;
    let place = this.#element.firstElementChild;
    for (const id of ids) {
      const root = this.#views.get(id)?.root;
      if (root === undefined) continue;
      if (root === place) place = place.nextElementSibling;
      else this.#element.insertBefore(root, place);
    }
    // An element that is moved loses it.
    if (focused === document.activeElement || !(focused instanceof HTMLElement)) return;
    focused.focus({ preventScroll: true });
    this.#usedAt = usedAt;
  }
}
