// Lines of both runs over one axis of time: A is drawn through, B is dashed, so that no colour is needed.

const LOOKS = [{stroke: '--c0', width: 2.5}, {stroke: '--c1', width: 2.5, dash: [9, 5]}];

class Lines {
  constructor(app) {
    this.app = app;
    this.places = [$('prices'), $('deficits')];
    this.plots = [null, null];
    this.assets = [...new Set(app.runs.flatMap((run) => [...run.prices.keys()].filter((asset) => new Set(run.prices.get(asset).told.slice(0, 5000)).size > 1)))].slice(0, 50);
    this.asset = this.assets[0] || null;
    if (this.assets.length > 1) {
      const pick = el('select', {}, this.assets.map((asset) => el('option', {value: asset}, asset)));
      pick.addEventListener('change', () => { this.asset = pick.value; this.build(); });
      show($('pick-price'), el('label', {}, 'price of ', pick));
    }
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.build());
    if (window.ResizeObserver) new ResizeObserver(() => this.resize()).observe(this.places[0]);
  }

  path(side) { return this.asset ? this.app.runs[side].prices.get(this.asset) : undefined; }
  told(side, row) { const path = this.path(side); return path ? valueAt({rows: path.rows, values: path.told}, row, null) : null; }

  // A line of a side in a waterfall: how much of the deficit is open.
  open(side) {
    const fall = this.app.falls[side];
    return fall ? this.app.runs[side].state.balances.get(`${fall.deficit}|${fall.asset}`) : undefined;
  }

  // One drawing: the steps at which a line of either side moves, and what each side has there.
  draw_(at, rowsOf, valueOf, scales) {
    const {app} = this, {time} = app, place = this.places[at];
    if (this.plots[at]) this.plots[at].destroy();
    this.plots[at] = null;
    show(place);
    place.hidden = ![0, 1].some((side) => rowsOf(side).length);
    if (place.hidden) return;
    const ends = [0, 1].map((side) => time.stepOf[side][app.runs[side].count - 1]);
    let steps = [...new Set([0, time.count - 1, ...ends, ...[0, 1].flatMap((side) => rowsOf(side).map((row) => time.stepOf[side][row]))])].sort((a, b) => a - b);
    if (steps.length > POINTS_MAX) { const every = Math.ceil(steps.length / POINTS_MAX); steps = steps.filter((_, i) => i % every === 0 || i === steps.length - 1); }
    // before a run began and after its end there is no line
    const line = (side) => steps.map((step) => { const row = time.rows[side][step]; return row < 0 || step > ends[side] ? null : valueOf(side, row); });
    const stepped = uPlot.paths.stepped({align: 1}), axis = axisLook();
    const look = (side) => ({...LOOKS[side], stroke: css(LOOKS[side].stroke), paths: stepped, points: {show: false}, ...(at === 1 && side === 0 ? {fill: css('--shade')} : {})});
    const label = app.isShifted ? (_, ticks) => ticks.map(since) : hours;
    this.plots[at] = plotted(place, 170, [steps.map((step) => time.at[step]), line(0), line(1)], [{}, look(0), look(1)],
      [{...axis, values: label, space: app.isShifted ? 110 : 60}, {...axis, values: inShort, size: 62}], scales, (when) => app.go(time.stepAt(when)));
  }

  build() {
    const {app} = this, asset = app.asset;
    this.draw_(0, (side) => this.path(side)?.rows ?? [], (side, row) => { const told = this.told(side, row); return told === null ? null : Number(told) / 1e8; }, {});
    this.draw_(1, (side) => this.open(side)?.rows ?? [], (side, row) => this.open(side) ? Number(valueAt(this.open(side), row, 0n)) / 10 ** app.runs[side].decimals(asset) : null, {y: {range: (_, low, high) => [0, high || 1]}});
    const paths = [this.path(0), this.path(1)], isSame = paths.every(Boolean) && String(paths[0].told) === String(paths[1].told);
    this.note = this.asset && isSame ? 'Both were told the same prices, so one line lies on the other.' : '';
    this.follow();
  }

  resize() { if (this.plots.map((plot, i) => refit(plot, this.places[i])).some(Boolean)) this.follow(); }

  follow() {
    const {app} = this, step = app.row;
    for (const plot of this.plots) if (plot) pointAt(plot, app.time.at[step]);
    const key = (side, text) => el('span', {}, el('span', {class: `stroke ${LETTERS[side]}`}), `${LETTERS[side]}: ${text}`);
    const price = (side) => { const told = this.told(side, app.time.rows[side][step]); return told === null ? 'silent' : app.runs[side].price(told); };
    show($('prices-legend'), this.asset ? [el('span', {}, `What the oracle told of ${this.asset}.`), key(0, price(0)), key(1, price(1)), el('span', {}, this.note)] : 'No price moved in these runs.');
    const open = (side) => app.falls[side] ? app.runs[side].amount(app.runs[side].state.deficit(app.falls[side], app.time.rows[side][step]), app.asset) : 'nothing fell short';
    show($('deficits-legend'), app.asset ? [el('span', {}, 'The deficit: still unpaid.'), key(0, open(0)), key(1, open(1))] : null);
  }
}
