// The scrubber, which walks over events, and the prices above it.

class Scrubber {
  constructor(app) {
    this.app = app;
    this.timer = 0;
    this.slider = $('slider');
    this.slider.max = app.count - 1;
    this.slider.addEventListener('input', () => { this.stop(); app.go(Number(this.slider.value)); });
    const on = (id, run) => $(id).addEventListener('click', run);
    on('b-home', () => this.step(() => 0));
    on('b-end', () => this.step(() => app.count - 1));
    on('b-back', () => this.step((row) => row - 1));
    on('b-next', () => this.step((row) => row + 1));
    on('b-play', () => this.toggle());
    on('b-loss', () => this.jump('losses', 1));
    on('b-dry', () => this.jump('dry', 1));
    on('b-vote', () => this.jump('votes', 1));
    document.addEventListener('keydown', (event) => this.key(event));
    this.points = {losses: [], dry: [], votes: app.votes()};
  }

  build(fall) {
    this.points.losses = fall ? fall.losses : [];
    this.points.dry = fall ? fall.dry.filter((row) => row >= 0).sort((a, b) => a - b) : [];
    $('b-loss').disabled = !this.points.losses.length;
    $('b-dry').disabled = !this.points.dry.length;
    $('b-vote').disabled = !this.points.votes.length;
    this.drawMarks();
  }

  // Where on the track something of weight happened; of many neighbours one mark is enough.
  drawMarks() {
    const last = Math.max(1, this.app.count - 1), seen = new Set(), marks = [];
    for (const [name, rows] of Object.entries(this.points)) for (const row of rows) {
      const x = Math.round(row / last * 400) / 4, key = `${name}${x}`;
      if (!seen.has(key)) { seen.add(key); marks.push(svg('line', {x1: `${x}%`, x2: `${x}%`, y1: 0, y2: name === 'losses' ? 8 : 12, class: `mark ${name}`})); }
    }
    show($('marks'), svg('svg', {width: '100%', height: 12}, ...marks));
  }

  step(to) { this.stop(); this.app.go(to(this.app.row)); }

  jump(name, way) {
    this.stop();
    const rows = this.points[name], {row} = this.app;
    const found = way > 0 ? rows.find((r) => r > row) : rows.findLast((r) => r < row);
    if (found !== undefined) this.app.go(found);
    else this.app.say(`There is no ${way > 0 ? 'later' : 'earlier'} one.`);
  }

  key(event) {
    const target = event.target, isText = target.matches('input:not([type=range]):not([type=radio]),select,textarea');
    if (isText || event.ctrlKey || event.metaKey || event.altKey) return;
    const own = target === this.slider, other = target.type === 'range' && !own;
    if (other || (event.key === ' ' && target.matches('button,summary,a'))) return;
    const run = {
      ArrowRight: () => this.step((row) => row + 1), ArrowLeft: () => this.step((row) => row - 1),
      Home: () => this.step(() => 0), End: () => this.step(() => this.app.count - 1),
      ' ': () => this.toggle(), n: () => this.jump('losses', 1), p: () => this.jump('losses', -1),
      d: () => this.jump('dry', 1), g: () => this.jump('votes', 1),
    }[event.key];
    if (run) { event.preventDefault(); run(); }
  }

  toggle() { if (this.timer) this.stop(); else this.play(); }

  play() {
    const {app} = this;
    if (app.row >= app.count - 1) app.go(0);
    const b = $('b-play');
    b.textContent = 'pause';
    b.setAttribute('aria-label', 'Pause');
    let last = performance.now(), due = 0;
    // a screen reader is not told every event of a film
    $('say').setAttribute('aria-live', 'off');
    const tick = () => {
      const now = performance.now();
      due += (now - last) / 1000 * Number($('speed').value);
      last = now;
      const whole = Math.floor(due);
      if (whole) { due -= whole; app.go(Math.min(app.row + whole, app.count - 1)); }
      if (app.row >= app.count - 1) this.stop();
    };
    this.timer = setInterval(tick, 50);
  }

  stop() {
    if (!this.timer) return;
    clearInterval(this.timer);
    this.timer = 0;
    const b = $('b-play');
    b.textContent = 'play';
    b.setAttribute('aria-label', 'Play');
    $('say').setAttribute('aria-live', 'polite');
  }
}

const POINTS_MAX = 4000, DEADLINES_MAX = 60;
const STROKES = ['--c0', '--c1', '--c2'];

const axisLook = () => ({stroke: css('--ink'), grid: {stroke: css('--line'), width: 1}, ticks: {stroke: css('--line')}, font: '12px system-ui, sans-serif'});
// days where ticks are days apart, else hours: always UTC, as everywhere on the page
const hours = (_, ticks, axisAt, space, step) => ticks.map((t) => step >= 86400 || (step >= 3600 && t % 86400 === 0) ? moment(t).slice(5, 10) : moment(t).slice(11, 16));
const inShort = (_, ticks) => ticks.map((t) => t >= 1e6 ? `${t / 1e6} M` : t >= 1e3 ? `${t / 1e3} k` : String(t));

// A drawing over time; a click in it tells the time that was clicked at.
function plotted(place, height, data, series, axes, scales, onTime, onDraw = () => {}) {
  const plot = new uPlot({
    hooks: {draw: [onDraw]},
    width: Math.max(260, place.clientWidth), height, series, axes, legend: {show: false},
    cursor: {y: false, drag: {x: false, y: false}, points: {show: false}, lock: false, bind: {mousemove: () => () => null, mouseleave: () => () => null, dblclick: () => () => null}},
    scales: {x: {time: true}, ...scales}, tzDate: (ts) => uPlot.tzDate(new Date(ts * 1e3), 'Etc/UTC'),
  }, data, place);
  plot.over.addEventListener('click', (event) => onTime(plot.posToVal(event.offsetX, 'x')));
  return plot;
}

// Point at a time: after a drawing has taken up its size, which it does when all else is done.
const pointAt = (plot, time) => queueMicrotask(() => plot.setCursor({left: plot.valToPos(time, 'x'), top: 0}, false));

// Fit a drawing to its place again; says whether it had to.
function refit(plot, place) {
  if (!plot || Math.abs(plot.width - place.clientWidth) <= 2) return false;
  plot.setSize({width: Math.max(260, place.clientWidth), height: plot.height});
  return true;
}

class Chart {
  constructor(app) {
    this.app = app;
    this.place = $('chart');
    this.plot = null;
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.build(this.fall));
    if (window.ResizeObserver) new ResizeObserver(() => this.resize()).observe(this.place);
  }

  // Prices as a share of the first one, so that they share an axis; the deficit has its own.
  build(fall) {
    this.fall = fall;
    if (this.plot) { this.plot.destroy(); this.plot = null; }
    const {ledger, state, prices} = this.app;
    const assets = [...prices.keys()].filter((asset) => new Set(prices.get(asset).told.slice(0, 5000)).size > 1).slice(0, 3);
    const deficit = fall ? state.balances.get(`${fall.deficit}|${fall.asset}`) : null;
    if (!assets.length && !deficit) { show(this.place, el('p', {class: 'quiet'}, 'No price moved in this run.')); show($('chart-legend')); return; }
    const halts = ledger.rowsOf(['MarketHalted', 'MarketResumed']);
    let rows = [...new Set([0, ledger.count - 1, ...halts, ...assets.flatMap((a) => prices.get(a).rows), ...(deficit ? deficit.rows : [])])].sort((a, b) => a - b);
    if (rows.length > POINTS_MAX) { const every = Math.ceil(rows.length / POINTS_MAX); rows = rows.filter((_, i) => i % every === 0 || i === rows.length - 1); }
    const data = [rows.map((row) => ledger.at[row])], series = [{}];
    assets.forEach((asset, i) => {
      const path = prices.get(asset), first = Number(path.told[0]);
      const line = (values) => rows.map((row) => { const v = valueAt({rows: path.rows, values}, row, null); return v === null ? null : Number(v) / first * 100; });
      // where nobody quoted there is no line
      const own = halts.filter((row) => ledger.field(row, 'asset') === asset);
      const isHalted = (row) => { const last = own.findLast((at) => at <= row); return last !== undefined && ledger.kind(last) === 'MarketHalted'; };
      data.push(line(path.told), own.length ? line(path.market).map((value, at) => isHalted(rows[at]) ? null : value) : line(path.market));
      series.push({stroke: css(STROKES[i]), width: 2, paths: uPlot.paths.stepped({align: 1}), points: {show: false}},
        {stroke: css(STROKES[i]), width: 1, dash: [3, 4], points: {show: false}});
    });
    if (deficit) {
      const unit = 10 ** this.app.decimals(fall.asset);
      data.push(rows.map((row) => Number(valueAt(deficit, row, 0n)) / unit));
      series.push({scale: 'd', stroke: css('--bad'), fill: css('--badfill'), width: 2, paths: uPlot.paths.stepped({align: 1}), points: {show: false}});
    }
    const axis = axisLook();
    const axes = [{...axis, values: hours, space: 60}];
    if (assets.length) axes.push({...axis, values: (_, ticks) => inShort(_, ticks).map((t) => `${t} %`), size: 62});
    if (deficit) axes.push({...axis, scale: 'd', side: 1, size: 70, grid: {show: false}, values: inShort});
    show(this.place);
    this.deadlines = this.readDeadlines(fall);
    this.plot = plotted(this.place, 220, data, series, axes, {d: {range: (_, low, high) => [0, high || 1]}}, (time) => this.app.go(this.app.rowAtTime(time)), (plot) => this.drawDeadlines(plot));
    this.assets = assets;
    this.hasDeficit = Boolean(deficit);
    this.draw(this.app.row);
  }

  // By when tiers were to pay what they were made to owe: [tier, moment], each once.
  readDeadlines(fall) {
    const {ledger} = this.app, found = new Map();
    if (fall) for (const row of ledger.rowsOf(['LossAllocated'])) {
      const due = Number(ledger.field(row, 'due')), tier = ledger.field(row, 'tier');
      if (due && ledger.field(row, 'venue') === fall.venue && ledger.field(row, 'asset') === fall.asset) found.set(`${tier}|${due}`, [tier, due]);
    }
    return [...found.values()].slice(0, DEADLINES_MAX);
  }

  // Where a moment stands on the chart, in its own pixels. What comes after the last event is clipped, and marked.
  placeOf(plot, at) { return at > plot.scales.x.max ? {isAfter: true, x: plot.bbox.left + plot.bbox.width} : {isAfter: false, x: plot.valToPos(at, 'x', true)}; }

  drawDeadlines(plot) {
    const {ctx, bbox} = plot, unit = devicePixelRatio;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = css('--c3');
    ctx.lineWidth = 2 * unit;
    for (const [, at] of this.deadlines) {
      const {isAfter, x} = this.placeOf(plot, at);
      ctx.beginPath();
      if (isAfter) { ctx.moveTo(x - 12 * unit, bbox.top); ctx.lineTo(x - 12 * unit, bbox.top + 12 * unit); ctx.lineTo(x - 3 * unit, bbox.top + 6 * unit); ctx.fill(); } else { ctx.setLineDash([3 * unit, 3 * unit]); ctx.moveTo(x, bbox.top); ctx.lineTo(x, bbox.top + bbox.height); ctx.stroke(); }
    }
    ctx.restore();
  }

  // The same in words: a chart is for eyes.
  toldDeadlines() {
    const {app} = this, last = app.ledger.at[app.ledger.count - 1], day = (at) => moment(at).slice(0, 10), days = this.deadlines.some(([, at]) => day(at) !== day(app.ledger.at[0]));
    const told = this.deadlines.slice(0, 4).map(([tier, at]) => `${tier} by ${moment(at).slice(days ? 5 : 11, 19)}${at > last ? ' (▸ after the last event)' : ''}`);
    return told.length ? el('span', {}, ` Deadlines (dashed): ${told.join(', ')}${this.deadlines.length > 4 ? ` and ${this.deadlines.length - 4} more` : ''}.`) : null;
  }

  resize() {
    if (refit(this.plot, this.place)) this.draw(this.app.row);
  }

  draw(row) {
    if (!this.plot) return;
    const {app} = this;
    pointAt(this.plot, app.ledger.at[row]);
    const parts = this.assets.map((asset, i) => {
      const path = app.prices.get(asset), told = valueAt({rows: path.rows, values: path.told}, row, null), market = valueAt({rows: path.rows, values: path.market}, row, null);
      return el('span', {}, el('span', {class: `key k${i}`}), ` ${asset}: oracle ${told === null ? 'silent' : app.price(told)}, market (dotted) ${market === null ? '-' : app.price(market)} `);
    });
    if (this.hasDeficit) parts.push(el('span', {}, el('span', {class: 'key kd'}), ` deficit (right axis): ${app.amount(app.state.deficit(this.fall, row), this.fall.asset)}`));
    show($('chart-legend'), parts, this.assets.length ? el('span', {class: 'quiet'}, ' Prices as a share of the first one.') : null, this.toldDeadlines());
  }
}
