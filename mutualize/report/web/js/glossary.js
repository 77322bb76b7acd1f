// Words of the glossary, each explained where it stands: to eyes by a note beside it, to a screen reader as its
// description, which is the glossary's own entry. A key, a tap and the pointer open a note; Escape closes it.

const WORDS = {list: new Map(), found: null};

function learn(glossary) {
  WORDS.list = new Map(Object.entries(glossary));
  const longest = [...WORDS.list.keys()].sort((a, b) => b.length - a.length);
  // slash, slashed, slashes; stake, staked, stakers
  WORDS.found = new RegExp(`\\b(${longest.join('|')})(?:e?s|e?d|rs?)?\\b`, 'gi');
}

const meansOf = (word) => `means-${word.replace(/\W/g, '-')}`;

// A text of our own in which each word's first mention can be asked for its meaning.
function worded(text, seen = new Set()) {
  const parts = [];
  let from = 0;
  for (const found of WORDS.found ? text.matchAll(WORDS.found) : []) {
    const word = found[1].toLowerCase();
    if (seen.has(word)) continue;
    seen.add(word);
    parts.push(text.slice(from, found.index), el('button', {type: 'button', class: 'word', 'data-word': word, 'aria-describedby': meansOf(word)}, found[0]));
    from = found.index + found[0].length;
  }
  return [...parts, text.slice(from)].filter(Boolean);
}

class Glossary {
  constructor() {
    show($('words-out'), [...WORDS.list].flatMap(([word, meaning]) => [el('dt', {id: `word-${word}`}, word), el('dd', {id: meansOf(word)}, meaning)]));
    for (const part of document.querySelectorAll('section:not(#words)')) {
      const seen = new Set();
      for (const place of part.querySelectorAll('h2,h3,.lead,#trust li,#trust .digest,.pick,th,#inputs dt,.tag')) this.explain(place, seen);
    }
    this.note = el('p', {id: 'note', 'aria-hidden': 'true', hidden: true});
    document.body.append(this.note);
    const wordAt = (event) => event.target instanceof Element ? event.target.closest('[data-word]') : null;
    document.addEventListener('mouseover', (event) => { const at = wordAt(event); if (at) this.open(at); else if (!this.note.contains(event.target)) this.later(); });
    document.addEventListener('focusin', (event) => { const at = wordAt(event); if (at) this.open(at); else this.close(); });
    document.addEventListener('click', (event) => { const at = wordAt(event); if (at) this.open(at); });
    // not every finger's tap is a click where nothing can be clicked at
    document.addEventListener('pointerdown', (event) => { if (!wordAt(event) && !this.note.contains(event.target)) this.close(); });
    document.addEventListener('keydown', (event) => { if (event.key === 'Escape') this.close(); });
  }

  explain(place, seen) {
    const walker = document.createTreeWalker(place, NodeFilter.SHOW_TEXT), texts = [];
    while (walker.nextNode()) texts.push(walker.currentNode);
    for (const text of texts) {
      if (!text.parentElement.closest('a,button,select,code')) text.replaceWith(...worded(text.data, seen));
    }
  }

  open(at) {
    clearTimeout(this.timer);
    this.at = at;
    const {note} = this, word = at.dataset.word, box = at.getBoundingClientRect();
    show(note, el('b', {}, word), ` ${WORDS.list.get(word)}`);
    note.hidden = false;
    const room = document.documentElement.clientWidth - note.offsetWidth - 8, below = box.bottom + note.offsetHeight + 8 <= innerHeight || box.top < note.offsetHeight + 8;
    note.style.left = `${Math.max(8, Math.min(box.left, room)) + scrollX}px`;
    note.style.top = `${(below ? box.bottom + 4 : box.top - note.offsetHeight - 4) + scrollY}px`;
  }

  // The pointer may cross from a word to its note, and a word that has the focus keeps it.
  later() { clearTimeout(this.timer); this.timer = setTimeout(() => { if (document.activeElement !== this.at) this.close(); }, 250); }

  close() { clearTimeout(this.timer); this.note.hidden = true; }
}
