// The page: one ledger, one event that is looked at, and everything that follows it.

class App {
  constructor(data) {
    const ledger = this.ledger = new Ledger(data);
    learn(data.glossary);
    this.prices = this.readPrices();
    this.state = new State(ledger);
    this.teller = new Teller(ledger, this);
    this.sold = ledger.rowsOf(['Liquidated', 'VaultLiquidated']);
    this.repaidLines = new Map();
    this.row = 0;
    this.fall = this.state.falls[0] || null;
    drawPatterns();
    this.vessels = new Vessels(this);
    this.scrubber = new Scrubber(this);
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
    this.scrubber.tell(this.row);
    $('say').textContent = this.sentence(this.row);
    this.vessels.draw(this.row);
    this.chart.draw(this.row);
    this.tables.values(this.row);
    if (!$('find').value) this.tables.events();
    this.flows.follow();
    if (scroll) $('waterfall').scrollIntoView({behavior: isStill() ? 'auto' : 'smooth'});
    this.share();
  }

  share() { if (this.address) this.address.write(); }

  rowAtTime(time) {
    let low = 0, high = this.ledger.count - 1;
    while (low < high) { const mid = (low + high + 1) >> 1; if (this.ledger.at[mid] <= time) low = mid; else high = mid - 1; }
    return low;
  }

  // The block of an event's moment, counted from the start; null where the scenario has no chain.
  block(row) {
    const {data, at} = this.ledger;
    return data.block_s > 0 ? Math.floor((at[row] - data.events.start) / data.block_s) : null;
  }

  // The time of an event, with its day where a run has more than one.
  when(row) {
    const {at, count} = this.ledger, days = moment(at[0]).slice(0, 10) !== moment(at[count - 1]).slice(0, 10);
    return moment(at[row]).slice(days ? 5 : 11, 19);
  }

  decimals(asset) { return asset === this.ledger.data.money && !(asset in this.ledger.data.decimals) ? 8 : this.ledger.data.decimals[asset] ?? 0; }
  plain(value, asset) { return cut(value, this.decimals(asset)); }
  exact(value, asset) { return cut(value, this.decimals(asset), this.decimals(asset)); }
  amount(value, asset) { return `${this.plain(value, asset)} ${asset}`; }
  price(value) { return `${cut(value, 8, value >= 10n ** 8n ? 2 : 8)} ${this.ledger.data.money}`; }
  sentence(row) { return this.teller.sentence(row); }
  arithmetic(row) { this.tables.arithmetic(row); }

  readPrices() {
    const {ledger} = this, prices = new Map();
    for (const row of ledger.rowsOf(['PricePublished'])) {
      const asset = ledger.field(row, 'asset');
      let path = prices.get(asset);
      if (!path) prices.set(asset, path = {rows: [], told: [], market: []});
      path.rows.push(row);
      path.told.push(ledger.field(row, 'price'));
      path.market.push(ledger.field(row, 'market'));
    }
    return prices;
  }

  // What sales of collateral repaid of debt in a waterfall's asset up to an event.
  repaid(fall, row) {
    const key = `${fall.venue}|${fall.asset}`, {ledger} = this;
    if (!this.repaidLines.has(key)) {
      const lines = new Map();
      for (const at of ledger.rowsOf(['Liquidated', 'AuctionEnded', 'CollateralTaken'])) {
        const kind = ledger.kind(at);
        if (ledger.field(at, 'venue') !== fall.venue) continue;
        if (kind === 'Liquidated') { if (ledger.field(at, 'debt') === fall.asset) addTo(lines, 'all', at, ledger.field(at, 'paid')); }
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

async function begin() {
  try {
    const data = JSON.parse(await unpack('data'));
    window.mutualize = {readCase, shareOut, haircut};
    window.mutualize.app = new App(data);
  } catch (error) {
    const place = $('trouble');
    place.hidden = false;
    place.textContent = `This page could not be drawn: ${error.message}. A browser of 2023 or later is needed.`;
    throw error;
  }
}
begin();
