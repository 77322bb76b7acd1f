// The page: one ledger, one event that is looked at, and everything that follows it.

// Time, event and block, beside the slider; and at the foot of the window where that is out of sight.
class Now {
  constructor(app) {
    this.app = app;
    this.numbers = [el('span'), el('span'), el('span')];
    const [seq, block, tx] = this.numbers, all = ` of ${grouped(String(app.ledger.data.events.all - 1))}`;
    show($('now-what'), worded('event '), seq, all, app.block(0) === null ? [] : [worded(', block '), block], worded(', transaction '), tx);
    new IntersectionObserver(([seen]) => { $('where').hidden = seen.isIntersecting; }).observe($('now'));
  }

  tell(row) {
    const {ledger} = this.app, block = this.app.block(row), texts = [ledger.seq[row], block ?? 0, ledger.tx[row]].map((n) => grouped(String(n)));
    const time = `${moment(ledger.at[row])} UTC`.replace('Z UTC', ' UTC'), told = block === null ? '' : `block ${texts[1]}`;
    $('now-time').textContent = time;
    texts.forEach((text, i) => { this.numbers[i].textContent = text; });
    $('where').textContent = `${time} · event ${texts[0]}${told && ` · ${told}`}`;
    this.app.scrubber.slider.setAttribute('aria-valuetext', `event ${ledger.seq[row]}, ${moment(ledger.at[row])}${block === null ? '' : `, block ${block}`}`);
  }
}

class App extends Run {
  constructor(data) {
    super(data);
    const {ledger} = this;
    learn(data.glossary);
    this.sold = ledger.rowsOf(['Liquidated', 'VaultLiquidated']);
    this.repaidLines = new Map();
    this.row = 0;
    this.fall = this.state.falls[0] || null;
    drawPatterns();
    this.vessels = new Vessels(this);
    this.scrubber = new Scrubber(this);
    this.now = new Now(this);
    this.chart = new Chart(this);
    this.tables = new Tables(this);
    this.why = new Why(this);
    this.whatIf = new WhatIf(this);
    this.flows = new Flows(this);
    this.guess = new Guess(this);
    this.choose(0);
    this.glossary = new Glossary();
    this.address = new Address(this);
    if (!this.address.read()) this.go(this.fall ? this.fall.losses[0] : ledger.count - 1);
    // what is further down is drawn when the first screen stands
    setTimeout(() => { this.flows.draw(); document.body.dataset.ready = '1'; window.mutualize.ready = performance.now(); }, 0);
  }

  // Look at one of several waterfalls.
  choose(i) {
    const {falls} = this.state;
    this.fall = falls[i] || null;
    if (falls.length > 1) {
      const pick = el('select', {'aria-label': 'waterfall'}, falls.map((fall, at) => el('option', {value: at, selected: at === i}, `${fall.asset} on ${fall.venue}`)));
      pick.addEventListener('change', () => { this.choose(Number(pick.value)); this.go(this.fall.losses[0]); this.flows.draw(); });
      show($('pick-short'), el('span', {class: 'pick'}, worded('waterfall '), pick));
    }
    this.vessels.build(this.fall);
    this.scrubber.build(this.fall);
    this.chart.build(this.fall);
    this.whatIf.build(this.fall);
    this.why.build(this.fall);
    show($('legend'), this.fall ? [swatch(0), worded(' what a tier has left '), svg('svg', {width: 16, height: 12, class: 'swatch', 'aria-hidden': 'true'}, svg('rect', {width: 16, height: 12, class: 'gone c0 c0line'})), ' what it paid ', worded('- - what it had at the first shortfall')] : []);
  }

  // Look at one event.
  go(row, scroll) {
    const {ledger} = this;
    this.row = Math.max(0, Math.min(row, ledger.count - 1));
    this.scrubber.slider.value = this.row;
    this.now.tell(this.row);
    this.say(this.sentence(this.row));
    this.vessels.draw(this.row);
    this.chart.draw(this.row);
    this.tables.values(this.row);
    if (!$('find').value) this.tables.events();
    this.flows.follow();
    if (scroll) $('waterfall').scrollIntoView({behavior: isStill() ? 'auto' : 'smooth'});
    this.share();
  }

  say(text) { $('say').textContent = text; }

  share() { if (this.address) this.address.write(); }

  arithmetic(row) { this.tables.arithmetic(row); }

  // What sales of collateral repaid of debt in a waterfall's asset up to an event.
  repaid(fall, row) {
    const key = `${fall.venue}|${fall.asset}`, {ledger} = this;
    if (!this.repaidLines.has(key)) {
      const lines = new Map();
      for (const at of ledger.rowsOf(['Absorbed', 'ShortfallRecognised', 'Liquidated', 'AuctionEnded', 'CollateralTaken'])) {
        const kind = ledger.kind(at);
        if (ledger.field(at, 'venue') !== fall.venue) continue;
        // reserves that take collateral over repay what they pay for it, less what is left to the debtor, and what they lose on it
        if (kind === 'Absorbed') addTo(lines, 'all', at, ledger.field(at, 'credited') - ledger.field(at, 'left'));
        else if (kind === 'ShortfallRecognised') { if (!ledger.field(at, 'account') && lines.size && ledger.field(at, 'asset') === fall.asset) addTo(lines, 'all', at, -ledger.field(at, 'amount')); }
        else if (kind === 'Liquidated') { if (ledger.field(at, 'debt') === fall.asset && !ledger.isPurchase(at)) addTo(lines, 'all', at, ledger.field(at, 'paid')); }
        else if (kind === 'AuctionEnded') { if (ledger.field(at, 'auction') === 'flip') addTo(lines, 'all', at, ledger.field(at, 'bid')); }
        else addTo(lines, 'all', at, ledger.field(at, 'paid'));
      }
      this.repaidLines.set(key, lines.get('all') || {rows: [], values: []});
    }
    return valueAt(this.repaidLines.get(key), row, 0n);
  }

  // Every event that names somebody, in a field or in a transfer.
  rowsTouching(name) {
    const {ledger} = this, rows = [], outside = `outside:${name}`;
    const texts = new Map([...ledger.kinds].map(([kind, {fields}]) => [kind, fields.map(([, type], i) => type === 'text' ? i : -1).filter((i) => i >= 0)]));
    for (let row = 0; row < ledger.count; row++) {
      const kind = ledger.kind(row), known = ledger.columnsOf(kind), at = ledger.inKind[row];
      const named = texts.get(kind).some((i) => ledger.names[known.columns[i][at]] === name);
      if (named || (ledger.perShape[ledger.shape[row]] && ledger.transfers(row).some(([debit, credit]) => debit === outside || credit === outside))) rows.push(row);
    }
    return rows;
  }
}

begin((data) => {
  window.mutualize = {readCase, shareOut, haircut};
  window.mutualize.app = new App(data);
});
