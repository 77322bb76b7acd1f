// What if: the same losses through another table, the original always beside it. And: guess first.

const RULES = [['pro-rata', 'pro rata: each the same share'], ['equally', 'equally: each the same amount'],
  ['largest-first', 'the largest claim first'], ['smallest-first', 'the smallest claim first']];

class WhatIf {
  constructor(app) { this.app = app; this.place = $('whatif-out'); }

  build(fall) {
    this.fall = fall;
    this.original = null;
    if (!fall) { show(this.place, el('p', {}, 'Nothing fell short, so there is nothing to share out otherwise.')); return; }
    if (!fall.what_if) {
      show(this.place, el('p', {}, 'This waterfall cannot be shared out again in the page: ', fall.why_not),
        el('p', {class: 'quiet'}, 'Only a table whose tiers all pay at once, out of what stands there, in the asset that is missing, can be recomputed exactly without the simulation. Run the scenario with other parameters instead: mutualize run … --set PATH=VALUE.'));
      return;
    }
    this.original = readCase(fall.what_if);
    this.before = shareOut(this.original);
    this.reset();
    this.frame();
  }

  reset() {
    this.order = this.original.tiers.map((_, i) => i);
    this.extra = this.original.tiers.map(() => 0n);
    this.limits = this.original.tiers.map((tier) => tier.limit);
    this.used = this.original.tiers.map((tier) => tier.used);
    this.rule = 'pro-rata';
  }

  // The table as it is set now, in the order that was chosen.
  changed() {
    const {order, original} = this;
    return {
      tiers: order.map((i) => ({...original.tiers[i], limit: this.limits[i], used: this.used[i]})),
      losses: original.losses,
      bases: original.bases.map((row) => order.map((i) => row[i])),
      extra: order.map((i) => this.extra[i]),
    };
  }

  frame() {
    const {fall} = this, unit = 10n ** BigInt(this.app.decimals(fall.asset));
    const rows = this.order.map((i, at) => {
      const tier = this.original.tiers[i], base = this.original.bases[0][i];
      const moves = el('span', {class: 'moves'},
        el('button', {type: 'button', disabled: at === 0, 'aria-label': `${tier.tier} one up`, on: {click: () => this.swap(at, at - 1)}}, '↑'),
        el('button', {type: 'button', disabled: at === this.order.length - 1, 'aria-label': `${tier.tier} one down`, on: {click: () => this.swap(at, at + 1)}}, '↓'));
      const controls = [];
      if (tier.payer !== 'claims') {
        const most = base > 0n ? base * 4n : this.original.losses.reduce((a, b) => a + b, 0n);
        const value = base + this.extra[i], slide = el('input', {type: 'range', min: 0, max: 400, value: most ? String(value * 400n / most) : 0, 'aria-label': `size of ${tier.tier}`});
        const exact = el('input', {type: 'text', inputmode: 'numeric', size: 12, value: String(value / unit), 'aria-label': `size of ${tier.tier} in ${fall.asset}`});
        const set = (now) => { this.extra[i] = now - base; this.draw(); };
        slide.addEventListener('input', () => { const now = Number(slide.value) === 100 && base > 0n ? base : most * BigInt(slide.value) / 400n; exact.value = String(now / unit); set(now); });
        exact.addEventListener('change', () => { const typed = /^[\d,]{1,30}$/.test(exact.value) ? BigInt(exact.value.replace(/,/g, '')) * unit : base; slide.value = most ? String(least(400n, typed * 400n / most)) : 0; exact.value = String(typed / unit); set(typed); });
        controls.push(el('label', {}, 'size ', slide, exact, ` ${fall.asset}`));
      }
      if (tier.payer === 'stake' || tier.payer === 'claims') {
        const told = el('output', {}, percent(this.limits[i], WAD)), slide = el('input', {type: 'range', min: 0, max: 100, value: String(this.limits[i] * 100n / WAD), 'aria-label': `share of ${tier.tier} that one loss may take`});
        slide.addEventListener('input', () => { this.limits[i] = BigInt(slide.value) * WAD / 100n; told.value = percent(this.limits[i], WAD) || '0.00 %'; this.draw(); });
        controls.push(el('span', {class: 'pick'}, worded(tier.payer === 'stake' ? 'can be slashed ' : 'can be cut '), slide, told));
      }
      const check = el('input', {type: 'checkbox', checked: this.used[i]});
      check.addEventListener('change', () => { this.used[i] = check.checked; this.draw(); });
      return el('li', {}, el('b', {}, swatch(i), ` ${tier.tier} `), moves, el('label', {}, check, ' used'), controls);
    });
    const rule = el('select', {'aria-label': 'how a haircut is shared'}, RULES.map(([name, words]) => el('option', {value: name, selected: name === this.rule}, words)));
    rule.addEventListener('change', () => { this.rule = rule.value; this.draw(); });
    this.out = el('div', {'aria-live': 'polite'});
    show(this.place, el('p', {}, 'The same losses, another way to share them out. What people did stays as it was; every figure is exact.'),
      el('ol', {class: 'dials'}, rows), fall.claims ? el('p', {class: 'pick'}, worded('a haircut is shared '), rule) : null,
      el('p', {}, el('button', {type: 'button', on: {click: () => { this.reset(); this.frame(); }}}, 'As it was')), this.out);
    this.draw();
  }

  swap(a, b) { [this.order[a], this.order[b]] = [this.order[b], this.order[a]]; this.frame(); }

  draw() {
    const {fall, app, order} = this, now = shareOut(this.changed()), all = this.original.losses.reduce((a, b) => a + b, 0n);
    const amount = (value) => app.plain(value, fall.asset), open = (found) => found.open.reduce((a, b) => a + b, 0n);
    const scale = all || 1n, bar = (value, i, what) => svg('svg', {class: 'barline', viewBox: '0 0 200 9', preserveAspectRatio: 'none', role: 'img', 'aria-label': what},
      svg('rect', {width: near(value, scale) * 200, height: 9, ...(i < 0 ? {class: 'level cd'} : {fill: fillOf(i)})}));
    const row = (name, i, was, is) => ({cells: [name, el('div', {}, bar(was, i, 'as it was'), bar(is, i, 'what if')), amount(was), amount(is), (is > was ? '+' : '') + amount(is - was), percent(is, all)]});
    const rows = order.map((i, at) => row(fall.tiers[i].tier, i, this.before.totals[i], now.totals[at]));
    rows.push(row('nobody: stays open', -1, open(this.before), open(now)));
    show(this.out, table(['who pays', 'was / what if', '>as it was', '>what if', '>difference', '>share'], rows), this.holders(now));
    app.share();
  }

  // What the haircut is to single holders, by the rule that was chosen.
  holders(now) {
    const {fall, app} = this, at = fall.tiers.findIndex((tier) => tier.payer === 'claims');
    if (!fall.claims || at < 0) return null;
    const claims = fall.claims.map(([, claim]) => BigInt(claim));
    const was = haircut('pro-rata', this.before.totals[at], claims), is = haircut(this.rule, now.totals[this.order.indexOf(at)], claims);
    const order = claims.map((_, i) => i).sort((a, b) => claims[a] === claims[b] ? a - b : claims[a] < claims[b] ? 1 : -1);
    const chosen = order.length <= 12 ? order : [...order.slice(0, 5), order[order.length >> 1], ...order.slice(-5)];
    return el('details', {open: true}, el('summary', {}, `What that is to ${many(claims.length, 'holder')}${chosen.length < order.length ? ': the largest, the median, the smallest' : ''}`),
      table(['holder', '>claim at the first haircut', '>lost as it was, pro rata', '>what if', '>of his claim'], chosen.map((i) => [app.ledger.names[fall.claims[i][0]],
        app.plain(claims[i], fall.asset), app.plain(was[i], fall.asset), app.plain(is[i], fall.asset), percent(is[i], claims[i])])));
  }
}

// Hide the outcome, ask, reveal with the error.
class Guess {
  constructor(app) {
    this.app = app;
    $('guess-go').addEventListener('click', () => this.start());
    if (!app.state.falls.length) $('guess-go').hidden = true;
  }

  start() {
    const {app} = this, fall = app.fall, end = app.ledger.count - 1, place = $('guess');
    document.body.classList.add('guessing');
    const names = [...fall.tiers.map((tier) => tier.tier), 'nobody: it stays open'];
    const inputs = names.map((name) => el('input', {type: 'range', min: 0, max: 100, value: 0, 'aria-label': `share paid by ${name}, percent`}));
    const told = names.map(() => el('output', {}, '0 %')), sum = el('p', {class: 'quiet'}, 'In all 0 %.');
    inputs.forEach((input, i) => input.addEventListener('input', () => { told[i].value = `${input.value} %`; sum.textContent = `In all ${inputs.reduce((a, b) => a + Number(b.value), 0)} %.`; }));
    show(place, el('p', {class: 'lead'}, `${app.amount(app.state.sum(fall, 'fell', end), fall.asset)} fell short on ${fall.venue}. Who pays, and how much of it?`),
      el('ol', {class: 'dials'}, names.map((name, i) => el('li', {}, el('label', {}, el('b', {}, name), ' ', inputs[i], ' ', told[i])))), sum,
      el('p', {}, el('button', {type: 'button', on: {click: () => this.reveal(fall, names, inputs.map((input) => BigInt(input.value)))}}, 'Reveal'), ' ', el('button', {type: 'button', on: {click: () => this.stop()}}, 'Never mind')));
    place.hidden = false;
    $('guess-go').hidden = true;
    inputs[0].focus();
  }

  reveal(fall, names, guessed) {
    const {app} = this, end = app.ledger.count - 1, all = app.state.sum(fall, 'fell', end);
    const paid = fall.tiers.map((_, i) => app.state.sum(fall, `covered${i}`, end));
    paid.push(all - paid.reduce((a, b) => a + b, 0n));
    const diffs = paid.map((value, i) => guessed[i] * all / 100n - value), off = diffs.reduce((sum, d) => sum + (d < 0n ? -d : d), 0n);
    this.stop();
    show($('guess'), table(['who', '>you said', '>it was', '>off by'], names.map((name, i) => [name, `${guessed[i]} %`, percent(paid[i], all) || '0 %', app.plain(diffs[i], fall.asset)])),
      el('p', {class: 'lead'}, off === 0n ? 'Exactly.' : `You put ${percent(off, 2n * all)} of the loss on the wrong shoulders.`));
    $('guess').hidden = false;
  }

  stop() { document.body.classList.remove('guessing'); $('guess').hidden = true; $('guess-go').hidden = false; }
}
