// A run: its ledger, what is true after each event, its prices, and how it says amounts and moments.

class Run {
  constructor(data) {
    const ledger = this.ledger = new Ledger(data);
    this.prices = this.readPrices();
    this.state = new State(ledger);
    this.teller = new Teller(ledger, this);
  }

  get count() { return this.ledger.count; }

  // Acts of governance; parameters of the beginning are none.
  votes() {
    const {ledger} = this, begun = ledger.at[0];
    return ledger.rowsOf(['ProposalMade', 'ProposalExecuted', 'ParameterChanged', 'ExitsFrozen', 'ExitsOpened', 'ShutDown'])
      .filter((row) => ledger.kind(row) !== 'ParameterChanged' || ledger.at[row] > begun);
  }

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
}

// Unpack the data and make the page of it; what goes wrong is told where everybody sees it.
async function begin(make) {
  try {
    make(JSON.parse(await unpack('data')));
  } catch (error) {
    const place = $('trouble');
    place.hidden = false;
    place.textContent = `This page could not be drawn: ${error.message}. A browser of 2023 or later is needed.`;
    throw error;
  }
}
