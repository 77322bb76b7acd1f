// One sentence for an event, from the template of its kind and its own fields.

class Teller {
  constructor(ledger, app) {
    this.ledger = ledger;
    this.app = app;
    this.ilks = new Map(ledger.rowsOf(['CollateralListed']).map((row) => [ledger.field(row, 'ilk'), ledger.field(row, 'asset')]));
    const decimals = ledger.data.decimals;
    this.stable = Object.keys(decimals).find((asset) => decimals[asset] === 45) || '';
    this.pools = new Set(ledger.rowsOf(['ReserveListed']).map((row) => ledger.field(row, 'venue')));
    this.troves = new Set(ledger.rowsOf(['TroveOpened']).map((row) => ledger.field(row, 'venue')));
    const minted = ledger.rowsOf(['GovernanceMinted'])[0];
    this.gov = minted === undefined ? '' : ledger.field(minted, 'asset');
  }

  // What a bid or a lot of an auction is counted in: a debt auction sells tokens, a surplus auction buys them.
  unit(row, which) {
    const auction = this.ledger.field(row, 'auction'), ilk = this.ledger.field(row, 'ilk');
    if (which === 'lot') return auction === 'flop' ? this.gov : auction === 'flap' ? this.stable : this.ilks.get(ilk) || '';
    return auction === 'flap' ? this.gov : this.stable;
  }

  sentence(row) {
    const {ledger, app} = this, kind = ledger.kind(row), template = ledger.data.sentences[kind];
    if (!template) return `${kind}: ${ledger.fields(row).map(([name, value]) => `${name} ${value}`).join(', ')}.`;
    return template.replace(/\{(_?\w+)(?:([@~])(\w+)|#(\d+)|([$%]))?\}/g, (_, name, mark, by, places, sign) => {
      if (name[0] === '_') return this.special(row, name);
      const value = ledger.field(row, name);
      if (value === undefined) return '';
      if (mark === '@') return app.amount(value, ledger.field(row, by));
      if (mark === '~') return app.amount(value, this.unit(row, by));
      if (places) return cut(value, Number(places));
      if (sign === '$') return app.price(value);
      if (sign === '%') return moment(Number(value));
      return typeof value === 'boolean' ? (value ? 'yes' : 'no') : typeof value === 'bigint' ? grouped(String(value)) : value;
    });
  }

  special(row, name) {
    const {ledger, app} = this, moves = ledger.transfers(row), outside = (account) => account.replace(/^outside:(market\/)?/, '');
    switch (name) {
      case '_before': {
        const path = app.prices.get(ledger.field(row, 'asset')), i = path ? path.rows.indexOf(row) : 0;
        return i > 0 ? `, after ${app.price(path.told[i - 1])}` : '';
      }
      // of what was owed by a deadline the rest had gone on to the tiers below when it was made to owe
      case '_rest': return ledger.field(row, 'number') > 0n ? '' : `, ${app.amount(ledger.field(row, 'rest'), ledger.field(row, 'asset'))} is left`;
      case '_took': {
        const took = moves.find(([debit]) => debit.endsWith(':treasury:seized'));
        return took === undefined ? '' : `, and it got ${app.amount(took[3], took[2])} of the collateral`;
      }
      case '_waits': { const amount = ledger.field(row, 'amount'), asset = ledger.field(row, 'asset'); return amount > 0n ? `waits for ${app.amount(amount, asset)}, which cannot be had now` : `waits for no ${asset} any more`; }
      case '_bearer': { const bearer = ledger.field(row, 'bearer'); return bearer === 'claims' ? 'Depositors' : bearer; }
      case '_supplied': {
        const venue = ledger.field(row, 'venue'), amount = app.amount(ledger.field(row, 'amount'), ledger.field(row, 'asset'));
        return this.pools.has(venue) ? `lent ${amount} to ${venue}` : `put ${amount} into ${venue}`;
      }
      case '_lacking': {
        const who = ledger.field(row, 'account'), amount = app.amount(ledger.field(row, 'amount'), ledger.field(row, 'asset'));
        if (!who) return amount;
        if (this.troves.has(ledger.field(row, 'venue'))) return `${amount} of ${who}'s debt, which others have to take with the collateral,`;
        // where balances are kept nobody borrows: who lost more than he had owes it to those who won
        return moves[0][1].endsWith(':claims') ? `${who} had ${amount} less than he had lost to others: that` : `${who}'s collateral is gone and ${amount} of debt is left: that`;
      }
      case '_repaid': {
        const paid = ledger.field(row, 'paid'), amount = app.amount(paid, ledger.field(row, 'debt')), who = ledger.field(row, 'account'), venue = ledger.field(row, 'venue');
        if (ledger.isPurchase(row)) return `paid ${amount} to the reserves of ${venue} for what they took over from ${who},`;
        return paid > 0n ? `repaid ${amount} of ${who}'s debt on ${venue}` : `liquidated ${who} on ${venue}`; // nobody repays the debt of a trove to have it liquidated
      }
      case '_payer': return outside(moves[0][1]);
      case '_gas': return app.amount(moves[0][3], moves[0][2]);
      case '_trader': return outside(moves[0][1]);
      case '_place': return outside(moves[0][0]);
      case '_sold': return app.amount(moves[0][3], moves[0][2]);
      case '_bought': return app.amount(moves[1][3], moves[1][2]);
      case '_thing': return app.prices.has(moves[0][2]) && moves[0][2] !== this.stable && this.isMoving(moves[0][2]) ? moves[0][2] : moves[1][2];
      case '_mid': return app.price(ledger.field(row, 'mid'));
    }
    return '';
  }

  // Whether an asset's price moves more than that of money.
  isMoving(asset) {
    const path = this.app.prices.get(asset);
    return path.told.some((price) => price !== path.told[0]);
  }
}
