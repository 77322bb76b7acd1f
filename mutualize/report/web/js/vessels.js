// The waterfall: a vessel for the deficit, and one for each tier, which drains as it pays.
//
//   ┌ ─ ─ ┐ what it had        the hatched part is what it paid; what is filled is what it has left;
//   │░░░░░│ paid               a stamp says when it ran dry
//   │▓▓▓▓▓│ left
//   └─────┘

const BOX = {x: 12, y: 8, w: 96, h: 124};

class Vessels {
  constructor(app, place) {
    this.app = app;
    this.place = place || $('vessels');
    this.shownRow = -1;
  }

  // Build the vessels of one waterfall.
  build(fall) {
    this.fall = fall;
    this.parts = [];
    if (!fall) { show(this.place, el('p', {}, 'Nothing fell short in this run: no tier had to pay.')); return; }
    const {state} = this.app, end = this.app.ledger.count - 1;
    const first = fall.losses[0];
    const peak = (line, none) => line ? line.values.reduce((m, v, i) => line.rows[i] >= first ? most(m, v) : m, none) : none;
    this.deficit = this.vessel('deficit', 'still unpaid', fall.asset, -1);
    this.deficit.scale = peak(state.balances.get(`${fall.deficit}|${fall.asset}`), 0n);
    const tiers = fall.tiers.map((tier, i) => {
      const vessel = this.vessel(`${i + 1}. ${tier.tier}`, tier.used ? (tier.had === null ? `${tier.payer}: comes when it is called` : tier.payer) : `${tier.payer}, not used`, tier.holds, i);
      const had = tier.had === null ? null : BigInt(tier.had);
      vessel.scale = tier.holder ? peak(state.balances.get(`${tier.holder}|${tier.holds}`), had) : state.sum(fall, `paid${i}`, end);
      return vessel;
    });
    this.parts = tiers;
    show(this.place, [this.deficit, ...tiers].flatMap((v, i) => i ? [el('span', {class: 'arrow', 'aria-hidden': 'true'}, '→'), v.box] : [v.box]));
    this.shownRow = -1;
  }

  vessel(title, who, unit, i) {
    const {x, y, w, h} = BOX, colour = i < 0 ? i : this.fall.colours?.[i] ?? i, id = i < 0 ? 'cd' : `c${colour % PATTERNS.length}`;
    const level = svg('rect', {x, width: w, y: y + h, height: 0, class: i < 0 ? 'level cd' : 'level', ...(i < 0 ? {} : {fill: fillOf(colour)})});
    const paid = svg('rect', {x, width: w, y: y + h, height: 0, class: `gone ${id} ${id}line`});
    const line = svg('line', {x1: x - 6, x2: x + w + 6, y1: y, y2: y, class: 'had'});
    const stamp = svg('g', {class: 'stamp', visibility: 'hidden'},
      svg('rect', {x: 20, y: 52, width: 80, height: 34, rx: 3}), svg('text', {x: 60, y: 66, 'text-anchor': 'middle'}), svg('text', {x: 60, y: 79, 'text-anchor': 'middle'}));
    const drawing = svg('svg', {viewBox: '0 0 120 140', class: 'tank', 'aria-hidden': 'true'},
      svg('path', {d: `M${x} ${y - 4}V${y + h}H${x + w}V${y - 4}`, class: 'glass'}), paid, level, line, stamp);
    const texts = {had: el('dd'), paid: el('dd'), left: el('dd')};
    const rows = i < 0
      ? [el('dt', {}, 'fell short'), texts.had, el('dt', {}, 'paid'), texts.paid, el('dt', {}, 'open'), texts.left]
      : [el('dt', {}, 'had'), texts.had, el('dt', {}, 'paid'), texts.paid, el('dt', {}, 'left'), texts.left];
    const box = el('div', {class: 'vessel'}, el('h3', {}, worded(title)), el('p', {class: 'quiet'}, `${who}, ${unit}`), drawing, el('dl', {}, rows));
    return {box, level, paid, line, stamp, texts, unit};
  }

  place_(rect, from, height) {
    rect.setAttribute('y', BOX.y + BOX.h - (from + height) * BOX.h);
    rect.setAttribute('height', Math.max(0, height * BOX.h));
  }

  put(place, text) {
    if (place.textContent === text) return;
    place.textContent = text;
    if (this.shownRow >= 0 && !isStill()) {
      place.classList.remove('changed');
      requestAnimationFrame(() => place.classList.add('changed'));
    }
  }

  draw(row) {
    const {fall, app} = this, {state} = app;
    if (!fall) return;
    const fell = state.sum(fall, 'fell', row), covered = state.sum(fall, 'covered', row), open = state.deficit(fall, row);
    this.place_(this.deficit.level, 0, Math.min(1, near(open, this.deficit.scale)));
    this.place_(this.deficit.paid, 0, 0);
    this.put(this.deficit.texts.had, app.plain(fell, fall.asset));
    this.put(this.deficit.texts.paid, app.plain(covered, fall.asset));
    this.put(this.deficit.texts.left, app.plain(open, fall.asset));
    this.deficit.line.setAttribute('visibility', 'hidden');
    fall.tiers.forEach((tier, i) => this.drawTier(tier, i, row));
    this.shownRow = row;
  }

  drawTier(tier, i, row) {
    const {fall, app} = this, part = this.parts[i], now = app.state.tier(fall, i, row);
    const left = now.left === null ? 0 : Math.min(1, near(now.left, part.scale)), paid = Math.min(1, near(now.paid, part.scale));
    this.place_(part.level, 0, left);
    this.place_(part.paid, now.left === null ? 0 : left, now.left === null ? paid : Math.min(paid, 1 - left));
    const had = now.had === null ? 0 : Math.min(1, near(now.had, part.scale));
    part.line.setAttribute('visibility', now.had === null ? 'hidden' : 'visible');
    part.line.setAttribute('y1', BOX.y + BOX.h - had * BOX.h);
    part.line.setAttribute('y2', BOX.y + BOX.h - had * BOX.h);
    this.put(part.texts.had, now.had === null ? '–' : app.plain(now.had, tier.holds));
    this.put(part.texts.paid, app.plain(now.paid, tier.holds));
    this.put(part.texts.left, now.left === null ? '–' : app.plain(now.left, tier.holds));
    const dry = fall.dry[i], isDry = dry >= 0 && dry <= row && now.left === 0n;
    part.stamp.setAttribute('visibility', isDry ? 'visible' : 'hidden');
    if (isDry) {
      part.stamp.children[1].textContent = 'RAN DRY';
      part.stamp.children[2].textContent = app.when(dry).replace(/^(\S+ \S+):\d\d$/, '$1');
    }
    part.box.classList.toggle('dry', isDry);
    part.box.classList.toggle('unused', !tier.used);
  }
}
