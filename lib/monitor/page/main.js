import { Detail } from './dialog.js';
import { byId, setText } from './dom.js';
import { Feed } from './feed.js';
import { Grid } from './grid.js';
import { Pictures } from './pictures.js';
import { Store } from './store.js';
import { Summary } from './summary.js';
import { timeWords } from './words.js';

const store = new Store();
const pictures = new Pictures(() => store.nowMs);
const detail = new Detail(byId('detail', HTMLDialogElement), store, pictures);
const grid = new Grid(byId('grid', HTMLElement), store, pictures, (id) =>
  detail.open(id, grid.pictureOf(id)),
);
const summary = new Summary(store);
const banner = byId('banner', HTMLElement);
const nothing = byId('nothing', HTMLElement);

function draw() {
  summary.draw();
  grid.draw();
  detail.draw();
  drawNothing();
}

function drawNothing() {
  nothing.hidden = grid.shown > 0;
  setText(nothing, store.cameras.size === 0 ? 'No cameras are read now.' : 'No camera is like that.');
}

new Feed({
  onSnapshot(snapshot) {
    store.restart(snapshot);
    banner.hidden = true;
    document.body.classList.remove('lost');
    summary.isLost = false;
    summary.draw();
    grid.restart();
    detail.draw();
    drawNothing();
    pictures.isOnline = true;
  },
  onTick(tick) {
    const changes = store.apply(tick);
    draw();
    summary.announce(changes);
  },
  onLost() {
    const since = store.nowMs === 0 ? '' : ` What is shown is of ${timeWords(store.nowMs, store.nowMs)}.`;
    banner.textContent = `The connection to the monitor is lost, trying again.${since}`;
    banner.hidden = false;
    document.body.classList.add('lost');
    summary.isLost = true;
    summary.draw();
    pictures.isOnline = false;
  },
}).start();

const filters = byId('filters', HTMLElement);
filters.addEventListener('click', (event) => {
  const pressed = event.target instanceof Element ? event.target.closest('[data-filter]') : null;
  if (pressed === null) return;
  for (const button of filters.querySelectorAll('[data-filter]')) {
    button.setAttribute('aria-pressed', String(button === pressed));
  }
  grid.choose({ filter: /** @type {import('./grid.js').Filter} */ (pressed.getAttribute('data-filter')) });
  drawNothing();
});

const search = byId('search', HTMLInputElement);
search.addEventListener('input', () => {
  grid.choose({ search: search.value });
  drawNothing();
});

const order = byId('order', HTMLSelectElement);
order.addEventListener('change', () =>
  grid.choose({ order: /** @type {import('./grid.js').Order} */ (order.value) }),
);

const density = byId('density', HTMLSelectElement);
density.addEventListener('change', () => {
  grid.choose({ density: /** @type {import('./grid.js').Density} */ (density.value) });
});
