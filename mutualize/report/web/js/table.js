// Tables: the events around the scrubber, the values after one, and the arithmetic of a loss.

const WINDOW = 25, FOUND_MAX = 200, SHARES_MAX = 20;

class Tables {
  constructor(app) {
    this.app = app;
    let timer = 0;
    $('find').addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(() => this.events(), 150); });
    $('csv').addEventListener('click', () => download(`${app.ledger.data.name}-events.csv`, this.eventsCsv()));
    $('csv-values').addEventListener('click', () => download(`${app.ledger.data.name}-values.csv`, this.valuesCsv()));
    $('csv-values').hidden = !app.state.falls.length;
  }

  found(wanted) {
    const {ledger} = this.app, words = wanted.toLowerCase(), rows = [], kinds = ledger.shapes.map(([kind]) => kind.toLowerCase().includes(words));
    const names = ledger.names.filter((name) => name.toLowerCase().includes(words)).slice(0, 50), touched = new Set();
    for (const name of names) for (const row of this.app.rowsTouching(name)) touched.add(row);
    for (let row = 0; row < ledger.count && rows.length < FOUND_MAX; row++) if (kinds[ledger.shape[row]] || touched.has(row)) rows.push(row);
    return rows;
  }

  events() {
    const {app} = this, {ledger} = app, wanted = $('find').value.trim();
    let rows;
    if (wanted) rows = this.found(wanted);
    else {
      const from = Math.max(0, Math.min(app.row - 12, ledger.count - WINDOW));
      rows = Array.from({length: Math.min(WINDOW, ledger.count)}, (_, i) => from + i);
    }
    show($('events-out'), table(['>event', 'time (UTC)', 'kind', 'what happened', '>because of'], rows.map((row) => ({
      tone: row === app.row ? 'current' : '',
      cells: [el('button', {type: 'button', class: 'link', on: {click: () => app.go(row)}}, String(ledger.seq[row])), moment(ledger.at[row]), ledger.kind(row), app.sentence(row),
        ledger.cause[row] < 0 ? '' : el('button', {type: 'button', class: 'link', on: {click: () => app.go(ledger.cause[row])}}, String(ledger.seq[ledger.cause[row]]))],
    }))), wanted ? el('p', {class: 'quiet'}, rows.length ? `${rows.length === FOUND_MAX ? 'The first ' : ''}${many(rows.length, 'event')} found.` : 'Nothing found.') : null,
    ledger.isThinned ? el('p', {class: 'bad'}, `This run has ${grouped(String(ledger.data.events.all))} events. All that has to do with losses is shown as far as it fits, other events are merged: where a row says "and more", neighbours were added up.`) : null);
  }

  eventsCsv() {
    const {app} = this, {ledger} = app, rows = [['event', 'time', 'transaction', 'cause', 'kind', 'sentence', 'transfers: debit credit asset base_units']];
    for (let row = 0; row < ledger.count; row++) rows.push([ledger.seq[row], moment(ledger.at[row]), ledger.tx[row], ledger.cause[row] < 0 ? '' : ledger.seq[ledger.cause[row]], ledger.kind(row), app.sentence(row), ledger.transfers(row).map((t) => t.join(' ')).join('; ')]);
    return csv(rows);
  }

  // What each tier had, had paid and had left after each event that changed it.
  valuesCsv() {
    const {app} = this, {state, ledger} = app, rows = [['event', 'time', 'venue', 'asset', 'fell short', 'deficit', 'tier', 'had', 'paid', 'left', 'covered']];
    for (const fall of state.falls) for (const row of [...new Set([...fall.losses, ...fall.pays])].sort((a, b) => a - b)) fall.tiers.forEach((tier, i) => {
      const now = state.tier(fall, i, row), own = app.decimals(tier.holds), of = app.decimals(fall.asset), told = (value, d) => value === null ? '' : numeral(value, d);
      rows.push([ledger.seq[row], moment(ledger.at[row]), fall.venue, fall.asset, numeral(state.sum(fall, 'fell', row), of), numeral(state.deficit(fall, row), of), tier.tier, told(now.had, own), told(now.paid, own), told(now.left, own), numeral(now.covered, of)]);
    });
    return csv(rows);
  }

  values(row) {
    const {app} = this, fall = app.fall;
    if (!fall) return;
    const all = app.state.sum(fall, 'fell', row);
    show($('values'), el('details', {open: $('values').querySelector('details')?.open ?? false}, el('summary', {}, `Values after event #${app.ledger.seq[row]}`), table(['tier', 'pays in', '>had', '>paid', '>left', `>covers ${fall.asset}`, '>share'], fall.tiers.map((tier, i) => {
      const now = app.state.tier(fall, i, row);
      return [tier.tier, tier.holds, now.had === null ? '-' : app.exact(now.had, tier.holds), app.exact(now.paid, tier.holds), now.left === null ? '-' : app.exact(now.left, tier.holds), app.exact(now.covered, fall.asset), percent(now.covered, all)];
    }))));
  }

  // loss - tier 1 - tier 2 … = what stays open; and who has what rounding left.
  arithmetic(row) {
    const {app} = this, {ledger, state} = app, fall = app.fall, place = $('sum-out');
    if (!fall || row === null) { show(place, el('p', {class: 'quiet'}, fall ? 'Choose a loss above.' : 'Nothing fell short.')); return; }
    const cone = ledger.ofLoss(row), paid = cone.filter((at) => ledger.kind(at) === 'LossAbsorbed'), asset = fall.asset;
    const rows = [], exact = (value) => app.exact(value, asset);
    let rest;
    if (paid.length) {
      rest = ledger.field(row, 'amount');
      rows.push([`what fell short (event #${ledger.seq[row]}${ledger.field(row, 'account') ? `, ${ledger.field(row, 'account')}` : ''})`, '', exact(rest), '']);
      for (const at of cone) {
        const kind = ledger.kind(at);
        if (kind !== 'LossAllocated' && kind !== 'LossPassedOn') continue;
        const amount = ledger.field(at, 'amount'), tier = ledger.field(at, 'tier');
        // what a tier did not raise in time comes back, and goes to those below it
        if (kind === 'LossPassedOn') { rest += amount; rows.push([`+\u00a0not raised by ${tier}`, '', exact(amount), exact(rest)]); continue; }
        rest -= amount;
        rows.push([`−\u00a0${tier}`, exact(ledger.field(at, 'capacity')), exact(amount), exact(rest)]);
      }
    } else {
      rest = state.sum(fall, 'fell', ledger.count - 1);
      rows.push([`all that fell short on ${fall.venue}: tiers paid for the sum of ${many(fall.losses.length, 'loss').replace('losss', 'losses')}`, '', exact(rest), '']);
      fall.tiers.forEach((tier, i) => { const covered = state.sum(fall, `covered${i}`, ledger.count - 1); rest -= covered; rows.push([`−\u00a0${tier.tier}`, '', exact(covered), exact(rest)]); });
    }
    rows.push({tone: 'total', cells: ['= stays open', '', exact(rest), '']});
    show(place, table(['step', '>could pay', `>${asset}`, '>rest'], rows), el('p', {}, paid.length ? this.remainder(row, cone, asset) : 'These losses were pooled, so the sum is shown, not one loss.'), paid.length ? this.bearers(cone) : null);
  }

  // Who bore it, one by one: parts add up to what the tier paid, but for what rounding left over.
  bearers(cone) {
    const {app} = this, told = cone.map((at) => [at, app.why.sharesOf(at)]).filter(([, parts]) => parts.length);
    if (!told.length) return null;
    const rows = told.flatMap(([at, parts]) => {
      const name = app.ledger.field(at, 'tier') || app.ledger.field(at, 'stake'), [[, asset]] = parts, sum = (list) => list.reduce((all, [, , part]) => all + part, 0n);
      const kept = parts.slice(0, SHARES_MAX), rest = parts.slice(SHARES_MAX);
      return [...kept.map(([who, of, part]) => [name, app.ledger.names[who], app.exact(part, of), of]),
        ...(rest.length ? [[name, many(rest.length, 'other'), app.exact(sum(rest), asset), asset]] : []), ...(parts.length > 1 ? [{tone: 'total', cells: [name, 'together', app.exact(sum(parts), asset), asset]}] : [])];
    });
    return el('details', {}, el('summary', {}, 'Who bore it, one by one'), table(['tier', 'holder', '>share', 'asset'], rows));
  }

  remainder(row, cone, asset) {
    const {app} = this, sums = new Map();
    for (const at of [row, ...cone]) for (const [debit, credit, of, amount] of app.ledger.transfers(at)) {
      if (of !== asset) continue;
      if (credit.endsWith(':residue')) sums.set(credit, (sums.get(credit) || 0n) + amount);
      if (debit.endsWith(':residue')) sums.set(debit, (sums.get(debit) || 0n) - amount);
    }
    const told = [...sums].filter(([, sum]) => sum !== 0n).map(([owner, sum]) => `${exactly(sum, app.decimals(asset))} ${asset} (${many(sum < 0n ? -sum : sum, 'base unit')}) ${sum < 0n ? 'came from' : 'went to'} ${owner}`);
    return told.length ? `What rounding left over has an owner: ${told.join('; ')}.` : 'Nothing was left over by rounding.';
  }
}
const exactly = (value, decimals) => numeral(value, decimals);
