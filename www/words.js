// Words explained: whatever has data-word says what it means, on hover, focus or long press (a
// button of a lesson's text also when it is pressed). What has data-words explains all of those in
// it, on focus. The texts are lessons/terms.json, loaded when the first one is wanted.
const HOVER = 320; // milliseconds
const PRESS = 450;
const FIELD = 900; // a field is looked at before its label is explained
let terms, timer, anchor, pressed = false;

const tip = document.createElement('div');
tip.className = 'word-tip';
tip.id = 'word-tip';
tip.setAttribute('role', 'tooltip');
tip.hidden = true;
document.body.append(tip);

const load = () => (terms ??= fetch(new URL('lessons/terms.json', document.baseURI)).then((r) => r.json()).then(
  (list) => new Map(list.flatMap((term) => term.words.map((word) => [word, term]))),
  () => { terms = undefined; return new Map(); },
));
const word = (target) => target?.closest?.('[data-word]');

function hide() {
  clearTimeout(timer);
  anchor?.removeAttribute('aria-describedby');
  anchor = undefined;
  tip.hidden = true;
}

/** Beneath the word; above it where there is no room; never over the edge. */
function place() {
  const at = anchor.getBoundingClientRect();
  const { width, height } = tip.getBoundingClientRect();
  const below = at.bottom + 6;
  const top = below + height < innerHeight - 6 ? below : Math.max(6, at.top - height - 6);
  tip.style.setProperty('top', `${top}px`);
  tip.style.setProperty('left', `${Math.max(8, Math.min(at.left, innerWidth - width - 8))}px`);
}

/** Explains `words` (elements) beside the element `at`. */
async function show(words, at = words[0]) {
  const known = await load();
  const korean = document.documentElement.lang === 'ko';
  const lines = new Map();
  for (const element of words) {
    const term = known.get(element.dataset.word.toLowerCase());
    if (term && !lines.has(term)) lines.set(term, element.textContent);
  }
  if (lines.size === 0 || !at.isConnected) return;
  hide();
  anchor = at;
  anchor.setAttribute('aria-describedby', tip.id);
  tip.replaceChildren(...[...lines].map(([term, name]) => {
    const [line, strong] = [document.createElement('p'), document.createElement('b')];
    strong.textContent = name;
    line.append(strong, ' ', korean ? term.ko : term.en);
    return line;
  }));
  tip.hidden = false;
  place();
  // What it belongs to may go away under it.
  const watch = setInterval(() => {
    if (anchor !== at) clearInterval(watch);
    else if (!at.isConnected) hide();
  }, 400);
}

function soon(wait, ...what) {
  clearTimeout(timer);
  timer = setTimeout(() => { pressed = wait === PRESS; show(...what); }, wait);
}

document.addEventListener('pointerover', (e) => {
  if (e.pointerType === 'touch') return;
  const element = word(e.target);
  if (element && element !== anchor) soon(HOVER, [element]);
  else if (!element && !tip.contains(e.target) && !anchor?.contains(document.activeElement)) hide();
});
document.addEventListener('pointerdown', (e) => {
  const element = word(e.target);
  pressed = false;
  if (!tip.contains(e.target)) hide();
  if (element && e.pointerType === 'touch') soon(PRESS, [element]);
});
for (const end of ['pointerup', 'pointercancel', 'pointermove']) {
  document.addEventListener(end, (e) => {
    const still = end === 'pointermove' && Math.hypot(e.movementX, e.movementY) < 6;
    if (e.pointerType === 'touch' && !pressed && !still) clearTimeout(timer);
  });
}
// A long press explains: it presses nothing, and opens no menu.
document.addEventListener('contextmenu', (e) => { if (word(e.target) && (pressed || e.pointerType === 'touch')) e.preventDefault(); });
document.addEventListener('click', (e) => {
  const element = word(e.target);
  if (pressed) {
    e.preventDefault();
    e.stopPropagation();
    pressed = false;
  } else if (element?.matches('.term')) {
    show([element]);
  }
}, true);
document.addEventListener('focusin', ({ target }) => {
  const label = target.matches('input, select, textarea') ? target.closest('label') : null;
  const inside = [...(label ?? target).querySelectorAll('[data-word]')];
  if (!target.matches(':focus-visible')) return;
  if (target.matches('[data-word]')) show([target]);
  else if (target.matches('[data-words]')) show(inside, target);
  else if (label && inside.length > 0) soon(FIELD, inside, label);
  else hide();
});
document.addEventListener('keydown', (e) => {
  if (tip.hidden) return clearTimeout(timer);
  // Whoever came to a word by the keys leaves its explanation by Escape, and nothing else; one that
  // a mouse resting there called up is no reason to swallow the key.
  if (e.key === 'Escape' && anchor === document.activeElement) e.stopPropagation();
  if (e.key === 'Escape' || e.target.matches('input, textarea')) hide();
  return undefined;
}, true);
document.addEventListener('scroll', (e) => { if (anchor && e.target.contains(anchor)) place(); }, true);
