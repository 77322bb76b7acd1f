// Two runs beside each other: one scrubber over time, and each side as it was at that moment.

const LETTERS = ['A', 'B'];
const DAY = 86400;

// Time since the beginning, where two runs are of different days.
const since = (t) => `+${t >= DAY ? `${Math.floor(t / DAY)} d ` : ''}${moment(t % DAY).slice(11, 16)}`;

// Steps over two ledgers by time. Within one moment both go on event by event, until each has told all of its own.
class Timeline {
  constructor(ledgers, shifts) {
    const [a, b] = ledgers, most = a.count + b.count;
    this.rows = [new Int32Array(most), new Int32Array(most)];
    this.at = new Float64Array(most);
    this.stepOf = ledgers.map((ledger) => new Int32Array(ledger.count));
    const next = [0, 0], time = (side) => next[side] < ledgers[side].count ? ledgers[side].at[next[side]] - shifts[side] : Infinity;
    let step = 0;
    for (; next[0] < a.count || next[1] < b.count; step++) {
      const times = [time(0), time(1)], now = Math.min(...times);
      this.at[step] = now;
      for (const side of [0, 1]) {
        if (times[side] === now) this.stepOf[side][next[side]++] = step;
        this.rows[side][step] = next[side] - 1;
      }
    }
    this.count = step;
  }

  // The last step at or before a time.
  stepAt(time) {
    let low = 0, high = this.count - 1;
    while (low < high) { const mid = (low + high + 1) >> 1; if (this.at[mid] <= time) low = mid; else high = mid - 1; }
    return low;
  }

  moves(side, step) { return this.rows[side][step] >= 0 && this.stepOf[side][this.rows[side][step]] === step; }
}

class Sides {
  constructor(data) {
    this.data = data;
    this.runs = data.sides.map((side) => new Run(side));
    const ledgers = this.runs.map((run) => run.ledger), [from, to] = [0, 1].map((end) => ledgers.map(({at, count}) => at[end ? count - 1 : 0]));
    // of runs that have no moment in common, both begin at once
    this.isShifted = from[0] > to[1] || from[1] > to[0];
    this.time = new Timeline(ledgers, this.isShifted ? from : [0, 0]);
    this.row = 0;
    this.places = LETTERS.map((letter) => $(`side${letter}`));
    drawPatterns();
    this.vessels = this.runs.map((run, side) => new Vessels(run, this.places[side].querySelector('.vessels')));
    this.scrubber = new Scrubber(this);
    this.parting = data.part === null ? -1 : this.stepOfParting();
    this.scrubber.points.part = this.parting < 0 ? [] : [this.parting];
    this.pairs = this.pair();
    this.lines = new Lines(this);
    show($('clock'), this.isShifted ? 'These runs have no moment in common: both begin at once here, and time is counted from each beginning.' : 'Time is that of both; within one moment both go on event by event.');
    this.choose(0);
    this.tellParting();
    addEventListener('hashchange', () => this.fromHash());
    if (!this.fromHash()) this.go(this.scrubber.points.losses[0] ?? this.count - 1);
    setTimeout(() => { document.body.dataset.ready = '1'; }, 0);
  }

  get count() { return this.time.count; }

  votes() { return this.steps((run) => run.votes()); }
  steps(rowsOf) { return [...new Set(this.runs.flatMap((run, side) => rowsOf(run, side).map((row) => this.time.stepOf[side][row])))].sort((a, b) => a - b); }

  // Waterfalls that belong together: of the same venue and asset. Either side may have none.
  pair() {
    const pairs = new Map();
    this.runs.forEach((run, side) => run.state.falls.forEach((fall) => {
      const key = `${fall.asset} on ${fall.venue}`;
      if (!pairs.has(key)) pairs.set(key, [null, null]);
      pairs.get(key)[side] = fall;
    }));
    // where a venue is called otherwise on the other side, the asset still is the same
    const found = [...pairs], lone = (side) => found.filter(([, falls]) => !falls[1 - side]);
    for (const [name, falls] of lone(0)) {
      const other = lone(1).find(([, [, fall]]) => fall.asset === falls[0].asset && this.runs[0].decimals(fall.asset) === this.runs[1].decimals(fall.asset));
      if (!other) continue;
      const pair = found.find(([own]) => own === name);
      pair[0] = `${name}, beside ${other[0]}`;
      pair[1] = [falls[0], other[1][1]];
      found.splice(found.indexOf(other), 1);
    }
    return found;
  }

  choose(i) {
    const {pairs} = this;
    this.falls = pairs.length ? pairs[i][1] : [null, null];
    this.asset = (this.falls[0] || this.falls[1])?.asset ?? null;
    if (pairs.length > 1) {
      const pick = el('select', {}, pairs.map(([name], at) => el('option', {value: at, selected: at === i}, name)));
      pick.addEventListener('change', () => { this.choose(Number(pick.value)); this.go(this.scrubber.points.losses[0]); });
      show($('pick-short'), el('label', {}, 'waterfall ', pick));
    }
    this.dye();
    this.vessels.forEach((vessels, side) => {
      vessels.build(this.falls[side]);
      if (!this.falls[side]) show(vessels.place, el('p', {}, pairs.length ? `${pairs[i][0]}: nothing fell short there in this run.` : 'Nothing fell short in this run.'));
    });
    this.level();
    this.scrubber.build({losses: this.steps((_, side) => this.falls[side]?.losses ?? []), dry: this.steps((_, side) => (this.falls[side]?.dry ?? []).filter((row) => row >= 0))});
    this.lines.build();
    this.tellPaid();
    show($('legend'), this.asset ? [swatch(0), ' what a tier has left ', svg('svg', {width: 16, height: 12, class: 'swatch', 'aria-hidden': 'true'}, svg('rect', {width: 16, height: 12, class: 'gone c0 c0line'})), ' what it paid ', '- - what it had at the first loss. The same tier has one pattern and one scale on both sides.'] : []);
  }

  // A tier has one colour on both sides, wherever it stands there.
  dye() {
    const names = [...new Set(this.falls.flatMap((fall) => fall ? fall.tiers.map((tier) => tier.tier) : []))];
    for (const fall of this.falls) if (fall) fall.colours = fall.tiers.map((tier) => names.indexOf(tier.tier));
  }

  // What is called the same is drawn to one scale.
  level() {
    const scales = new Map(), [a, b] = this.vessels, all = [a, b].flatMap((vessels) => vessels.fall ? [[vessels.deficit, 'deficit'], ...vessels.parts.map((part, i) => [part, `${vessels.fall.tiers[i].tier}|${part.unit}`])] : []);
    for (const [part, name] of all) scales.set(name, most(part.scale ?? 0n, scales.get(name) ?? 0n));
    for (const [part, name] of all) part.scale = scales.get(name);
  }

  // --- one moment ---

  go(step, scroll) {
    this.row = Math.max(0, Math.min(step, this.count - 1));
    const {time} = this, at = time.at[this.row], told = this.isShifted ? since(at) : `${moment(at)} UTC`.replace('Z UTC', ' UTC');
    this.scrubber.slider.value = this.row;
    $('now-time').textContent = told;
    const numbers = this.runs.map((run, side) => this.number(run, side));
    $('now-what').textContent = numbers.map((number, side) => `${LETTERS[side]}: ${number}`).join(' · ');
    this.scrubber.slider.setAttribute('aria-valuetext', `${told}; ${numbers.map((number, side) => `${LETTERS[side]} ${number}`).join(', ')}`);
    const sentences = this.runs.map((run, side) => this.sentence(run, side));
    this.runs.forEach((run, side) => {
      const row = time.rows[side][this.row], own = row >= 0 && (this.isShifted || !time.moves(side, this.row)) ? `, ${moment(run.ledger.at[row])}` : '';
      this.places[side].querySelector('.now').textContent = `${numbers[side]}${own}`;
      this.places[side].querySelector('.told').textContent = sentences[side];
      this.vessels[side].draw(row);
    });
    $('say').className = 'heard';
    $('say').textContent = sentences.map((sentence, side) => `${LETTERS[side]}: ${sentence}`).join(' ');
    this.lines.follow();
    this.values();
    if (scroll) $('waterfall').scrollIntoView({behavior: isStill() ? 'auto' : 'smooth'});
    clearTimeout(this.hashTimer);
    this.hashTimer = setTimeout(() => { try { history.replaceState(null, '', `#s=${this.row}`); } catch { /* it stays unshared */ } }, 300);
  }

  number(run, side) {
    const row = this.time.rows[side][this.row], last = run.ledger.data.events.all - 1;
    return row < 0 ? 'not begun' : `event ${grouped(String(run.ledger.seq[row]))} of ${grouped(String(last))}`;
  }

  sentence(run, side) {
    const row = this.time.rows[side][this.row];
    if (row < 0) return 'It has not begun.';
    return `${this.time.moves(side, this.row) ? '' : row === run.count - 1 ? 'It has ended. ' : 'Nothing new; before that: '}${run.sentence(row)}`;
  }

  say(text) { $('say').className = ''; $('say').textContent = text; }

  fromHash() {
    const found = /^#s=(\d{1,9})$/.exec(location.hash);
    if (found) this.go(Number(found[1]));
    return Boolean(found);
  }

  // What a tier of this name has done on each side by now, in figures.
  values() {
    if (!this.asset) return;
    const names = [...new Set(this.falls.flatMap((fall) => fall ? fall.tiers.map((tier) => tier.tier) : []))], rows = this.time.rows.map((of) => of[this.row]);
    const cells = names.map((name) => {
      const [a, b] = this.falls.map((fall, side) => { const i = fall ? fall.tiers.findIndex((tier) => tier.tier === name) : -1; return i < 0 ? null : {...this.runs[side].state.tier(fall, i, rows[side]), holds: fall.tiers[i].holds}; });
      const run = this.runs[0], text = (one, what) => !one ? 'no such tier' : one[what] === null ? '–' : this.runs[one === a ? 0 : 1].exact(one[what], one.holds), covers = (one) => one ? one.covered : 0n;
      return [name, text(a, 'paid'), text(b, 'paid'), text(a, 'left'), text(b, 'left'), this.signed(covers(b) - covers(a), run)];
    });
    const sums = (what) => this.falls.map((fall, side) => fall ? (what === 'open' ? this.runs[side].state.deficit(fall, rows[side]) : this.runs[side].state.sum(fall, what, rows[side])) : 0n), last = (title, what) => { const [a, b] = sums(what); return [title, this.exact(a), this.exact(b), '', '', this.signed(b - a)]; };
    show($('values'), el('details', {open: $('values').querySelector('details')?.open ?? false}, el('summary', {}, 'Values at this moment'),
      table(['tier', '>A paid', '>B paid', '>A has left', '>B has left', `>B covers more, ${this.asset}`], [...cells, last('fell short', 'fell'), last('still unpaid', 'open')])));
  }

  exact(value) { const run = this.runs[this.falls[0] ? 0 : 1]; return run.exact(value, this.asset); }
  signed(value) { return value === 0n ? '0' : (value > 0n ? '+' : '') + this.exact(value); }

  // --- where they part ---

  stepOfParting() {
    const rows = this.runs.map(({ledger}) => this.data.part < ledger.data.events.all ? ledger.rowAtSeq(this.data.part) : -1);
    return Math.min(...rows.map((row, side) => row < 0 ? this.count - 1 : this.time.stepOf[side][row]));
  }

  link(text, step) { return el('button', {type: 'button', on: {click: () => { this.scrubber.stop(); this.go(step, true); }}}, text); }

  // The causes of the first event that differs, on each side.
  tellParting() {
    const place = $('part-out');
    if (!place || this.parting < 0) return;
    const chains = this.runs.map(({ledger}, side) => {
      if (this.data.part >= ledger.data.events.all) return el('li', {}, `${LETTERS[side]} had ended.`);
      const rows = ledger.chain(ledger.rowAtSeq(this.data.part)).slice(0, -1).slice(-12), run = this.runs[side];
      return !rows.length ? el('li', {}, 'No event: it was so from the beginning, or somebody acted by himself.') : rows.map((row) => el('li', {}, `#${ledger.seq[row]} ${run.when(row)} `, run.sentence(row)));
    });
    show(place, el('p', {}, this.link('Go to that moment', this.parting)), el('div', {class: 'beside'}, chains.map((lines, side) =>
      el('section', {}, el('h3', {}, el('b', {class: `letter ${LETTERS[side]}`}, LETTERS[side]), ' What led to it'), el('ol', {class: 'chain'}, lines)))));
  }

  // The first moment at whose end the tiers of both have not paid the same.
  firstPaid() {
    const {time, falls} = this, steps = this.steps((_, side) => falls[side] ? [...falls[side].losses, ...falls[side].pays] : []);
    const names = [...new Set(falls.flatMap((fall) => fall ? fall.tiers.map((tier) => tier.tier) : []))];
    const sum = (side, name, row) => { const fall = falls[side]; if (!fall) return 0n; const i = fall.tiers.findIndex((tier) => tier.tier === name); return name === '' ? this.runs[side].state.sum(fall, 'fell', row) : i < 0 ? 0n : this.runs[side].state.sum(fall, `covered${i}`, row); };
    for (const step of steps) {
      const end = time.stepAt(time.at[step]), rows = time.rows.map((of) => of[end]);
      const found = ['', ...names].filter((name) => sum(0, name, rows[0]) !== sum(1, name, rows[1]));
      if (found.length) return {end, told: found.map((name) => { const [a, b] = [0, 1].map((side) => this.exact(sum(side, name, rows[side]))); return name ? `${name} had covered ${a} in A and ${b} in B` : `${a} had fallen short in A and ${b} in B`; })};
    }
    return null;
  }

  tellPaid() {
    const place = $('paid-out');
    if (!place) return;
    const found = this.asset ? this.firstPaid() : null, at = found ? this.time.at[found.end] : 0;
    show(place, el('h3', {}, 'Where the payments part'), found
      ? [el('p', {}, `By ${this.isShifted ? since(at) : moment(at)}: ${found.told.join('; ')} (${this.asset}). `), el('p', {}, this.link('Go to that moment', found.end))]
      : el('p', {}, this.asset ? 'Nowhere: in this waterfall every tier pays the same at the same moment.' : 'Nothing fell short on either side.'));
  }
}

begin((data) => { window.mutualize = {app: new Sides(data)}; });
