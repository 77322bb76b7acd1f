// Why: the chain of causes as sentences, backwards and forwards; and all that touched one holder.

const LOSSES_MAX = 400;

class Why {
  constructor(app) {
    this.app = app;
    $('why-loss').addEventListener('change', (e) => { if (e.target.value) this.loss(Number(e.target.value)); });
    $('why-tier').addEventListener('change', (e) => { if (e.target.value) this.tier(Number(e.target.value)); });
    $('why-who').addEventListener('change', (e) => this.who(e.target.value));
    $('why-now').addEventListener('click', () => this.event(app.row));
    this.cuts = this.readCuts();
  }

  build(fall) {
    const {app} = this, {ledger} = app;
    this.fall = fall;
    const all = fall ? fall.losses.map((row, i) => [row, i, this.fellAt(row)]) : [];
    // of very many the largest are offered; each can still be gone to, and asked about there
    const largest = all.length <= LOSSES_MAX ? all : all.sort((a, b) => a[2] === b[2] ? a[1] - b[1] : a[2] < b[2] ? 1 : -1).slice(0, LOSSES_MAX).sort((a, b) => a[1] - b[1]);
    show($('why-loss'), el('option', {value: ''}, !fall ? 'none' : all.length > LOSSES_MAX ? `the ${LOSSES_MAX} largest of ${grouped(String(fall.losses.length))}` : 'choose'), largest.map(([row, i, amount]) => el('option', {value: row},
      `${i + 1}. ${ledger.field(row, 'account') || 'a loss'}: ${app.amount(amount, fall.asset)}, ${app.when(row)}`)));
    show($('why-tier'), el('option', {value: ''}, fall ? 'choose' : 'none'), fall ? fall.tiers.map((tier, i) => el('option', {value: i}, tier.tier)) : []);
    const people = ledger.names.filter((name, i) => ledger.data.roles[i] !== 'others' && name).slice(0, 500);
    show($('people'), people.map((name) => el('option', {value: name})));
    if (fall) this.loss(fall.losses[0]);
    if (fall) $('why-loss').value = fall.losses[0];
    else show($('why-out'), el('p', {}, 'Nothing fell short. Type a name to see every event that touched it.'));
  }

  fellAt(row) {
    const line = this.fall.lines.get('fell');
    return valueAt(line, row, 0n) - valueAt(line, row - 1, 0n);
  }

  line(row, note) {
    const {app} = this;
    return el('li', {}, el('button', {type: 'button', class: 'link', title: 'Go to this event', on: {click: () => app.go(row, true)}}, `#${app.ledger.seq[row]}`),
      ` ${app.when(row)} `, app.sentence(row), note ? ` ${note}` : '');
  }

  // Back to the first cause, with what a rule says between two events, and forward to what came of it.
  chainOf(row) {
    const {app} = this, {ledger} = app, rows = this.causes(row), lines = [];
    rows.forEach((at, i) => {
      const kind = ledger.kind(at), next = rows[i + 1];
      lines.push(this.line(at));
      const unsafe = next !== undefined && ledger.kind(next) !== 'CollateralBought' && ledger.field(next, 'account');
      if ((kind === 'PricePublished' || kind === 'PriceTaken') && unsafe) lines.push(el('li', {class: 'rule'}, `At that price the health of ${unsafe}'s position was below one: anybody could liquidate it.`));
    });
    return lines;
  }

  event(row) {
    const {app} = this;
    show($('why-out'), el('h3', {}, worded('What led to it')), el('ol', {class: 'chain'}, this.chainOf(row)), this.forward(row));
    app.arithmetic(this.lossAbove(row));
  }

  // Where the ledger names no cause, an auction's number and a collateral's price still say what came before.
  earlier(row) {
    const {ledger} = this.app, kind = ledger.kind(row);
    if (!this.begun) {
      this.begun = new Map(ledger.rowsOf(['VaultLiquidated']).map((at) => [`${ledger.field(at, 'ilk')}|${ledger.field(at, 'id')}`, at]));
      this.taken_ = ledger.rowsOf(['PriceTaken']);
    }
    if (kind === 'AuctionEnded' || kind === 'CollateralTaken') return this.begun.get(`${ledger.field(row, 'ilk')}|${ledger.field(row, 'id')}`) ?? -1;
    if (kind === 'VaultLiquidated') return this.taken_.findLast((at) => at < row && ledger.field(at, 'ilk') === ledger.field(row, 'ilk')) ?? -1;
    return -1;
  }

  // The chain of causes, carried on by what numbers say where causes end.
  causes(row) {
    const {ledger} = this.app;
    let rows = ledger.chain(row);
    for (let i = this.earlier(rows[0]); i >= 0; i = this.earlier(rows[0])) rows = [...ledger.chain(i), ...rows];
    return rows;
  }

  lossAbove(row) {
    const rows = this.app.ledger.chain(row);
    return rows.find((at) => this.app.ledger.kind(at) === 'ShortfallRecognised') ?? null;
  }

  loss(row) {
    const {app} = this, {ledger} = app, debtor = ledger.field(row, 'account');
    const before = this.sales(debtor, row);
    const after = ledger.ofLoss(row).filter((at) => ['LossAbsorbed', 'LossPassedOn', 'Slashed', 'ShortfallUncovered', 'PendingDeficitRaised', 'PendingDeficitCovered'].includes(ledger.kind(at)));
    const told = after.slice(0, 60).map((at) => this.line(at, this.shareNote(at)));
    const root = ledger.chain(row)[0];
    show($('why-out'), el('h3', {}, worded(`How ${debtor || 'this loss'} came to fall short`)),
      before ? el('p', {}, before) : null, el('ol', {class: 'chain'}, this.chainOf(row), told),
      told.length ? null : el('p', {class: 'quiet'}, 'The ledger names no later event that this loss alone led to: here losses are pooled, and tiers pay for the sum.'),
      this.forward(root));
    app.arithmetic(row);
  }

  // What was sold of a debtor's collateral before, in one sentence.
  sales(debtor, upto) {
    const {app} = this, {ledger} = app;
    if (!debtor) return '';
    let count = 0, first = -1, repaid = new Map(), seized = new Map();
    for (const row of app.sold) {
      if (row > upto) break;
      if (ledger.field(row, 'account') !== debtor) continue;
      if (!count++) first = row;
      if (ledger.kind(row) === 'Liquidated') {
        const debt = ledger.field(row, 'debt'), collateral = ledger.field(row, 'collateral'), paid = ledger.field(row, 'paid');
        if (paid > 0n && !ledger.isPurchase(row)) repaid.set(debt, (repaid.get(debt) || 0n) + paid);
        seized.set(collateral, (seized.get(collateral) || 0n) + ledger.field(row, 'seized'));
      } else { const asset = ledger.field(row, 'asset'); seized.set(asset, (seized.get(asset) || 0n) + ledger.field(row, 'lot')); }
    }
    if (!count) return '';
    const list = (sums) => [...sums].map(([asset, sum]) => app.amount(sum, asset)).join(' and ');
    return `Before that, ${many(count, 'liquidation')} had taken ${list(seized)} of ${debtor}'s collateral${repaid.size ? ` and repaid ${list(repaid)} of the debt` : ''}. The first was at ${app.when(first)}, and this had led to it: ${app.sentence(this.causes(first)[0])}`;
  }

  // All that followed from one event, in total.
  forward(row) {
    const {app} = this, {ledger} = app, direct = ledger.cone(row), losses = direct.filter((at) => ledger.kind(at) === 'ShortfallRecognised');
    const later = losses.length > LOSSES_MAX ? [] : losses.flatMap((at) => ledger.ofLoss(at)), cone = [...new Set([...direct, ...later])].sort((a, b) => a - b);
    if (!cone.length) return el('p', {class: 'quiet'}, 'Nothing followed from it, as far as the ledger says.');
    const sums = new Map(), add = (what, asset, amount) => { const key = `${what}|${asset}`; sums.set(key, (sums.get(key) || 0n) + amount); };
    const counts = new Map();
    for (const at of cone) {
      const kind = ledger.kind(at), value = (name) => ledger.field(at, name);
      counts.set(kind, (counts.get(kind) || 0) + 1);
      if (kind === 'Liquidated') { add(ledger.isPurchase(at) ? 'paid by liquidators for collateral' : 'debt repaid by liquidators', value('debt'), value('paid')); add('collateral seized', value('collateral'), value('seized')); }
      if (kind === 'CollateralBought') { add('paid by liquidators for collateral', value('asset'), value('paid')); add('collateral seized', value('collateral'), value('amount')); }
      if (kind === 'ShortfallRecognised') add('fell short', value('asset'), value('amount'));
      if (kind === 'LossAbsorbed') add(`paid by ${value('tier')}`, value('paid_asset'), value('paid'));
    }
    const cost = [...sums].map(([key, sum]) => { const [what, asset] = [key.slice(0, key.lastIndexOf('|')), key.slice(key.lastIndexOf('|') + 1)]; return [what, app.amount(sum, asset)]; });
    return el('div', {}, el('h3', {}, worded(`Forwards: all that event #${ledger.seq[row]} led to`)), el('p', {}, app.sentence(row)),
      cost.length ? table(['in total', '>amount'], cost) : null,
      el('p', {class: 'quiet'}, `${many(cone.length, 'event')}: ${[...counts].map(([kind, n]) => `${n} ${kind}`).join(', ')}.`));
  }

  tier(i) {
    const {app, fall} = this, {ledger} = app, tier = fall.tiers[i], end = ledger.count - 1, now = app.state.tier(fall, i, end);
    const line = fall.lines.get(`paid${i}`), rows = line ? line.rows : [];
    const dry = fall.dry[i];
    show($('why-out'), el('h3', {}, worded(`${tier.tier}: what it paid, and for whom`)),
      el('p', {}, `It paid ${app.amount(now.paid, tier.holds)} in ${many(rows.length, 'payment')}, which covered ${percent(now.covered, app.state.sum(fall, 'fell', end))} of the shortfall.`,
        dry >= 0 ? ` It ran dry at ${moment(ledger.at[dry])}.` : '', tier.used ? '' : ' It exists and is not used.'),
      el('ol', {class: 'chain'}, rows.slice(0, 100).map((row) => this.line(row, this.shareNote(row)))),
      rows.length > 100 ? el('p', {}, `and ${many(rows.length - 100, 'more payment')}`) : null);
  }

  // --- single holders: units, and what each cut took from them ---

  readCuts() {
    const held = this.app.ledger.data.holdings;
    if (!held) return null;
    const [rows, tables, who, units] = held.changes.map(splitText), [cutRows, cutTables, before, after, per] = held.cuts.map(splitText);
    const lines = new Map();
    rows.forEach((row, i) => {
      const key = `${tables[i]}|${who[i]}`, line = lines.get(key) || lines.set(key, {rows: [], values: []}).get(key);
      line.rows.push(Number(row));
      line.values.push(BigInt(units[i]));
    });
    const cuts = cutRows.map((row, i) => ({row: Number(row), table: Number(cutTables[i]), before: BigInt(before[i]), after: BigInt(after[i]), per: BigInt(per[i])}));
    // and of those who stand there by name, what a payment took from each (or gave back)
    const parts = new Map(), [partRows, whose, of, lost] = held.parts.map(splitText);
    partRows.forEach((row, i) => {
      const list = parts.get(Number(row)) || parts.set(Number(row), []).get(Number(row));
      list.push([Number(whose[i]), this.app.ledger.names[of[i]], BigInt(lost[i])]);
    });
    return {tables: held.tables, lines, cuts, parts};
  }

  // What an event took from each holder, the largest first: [who, asset, amount].
  sharesOf(row) {
    if (!this.cuts) return [];
    const cut = this.cuts.cuts.find((c) => c.row === row), found = [...this.cuts.parts.get(row) || []];
    if (cut) for (const key of this.cuts.lines.keys()) {
      const [table, who] = key.split('|').map(Number);
      if (table === cut.table) found.push([who, this.cuts.tables[table].asset, this.taken(cut, who)]);
    }
    return found.filter(([, , part]) => part > 0n).sort((a, b) => a[2] === b[2] ? a[0] - b[0] : a[2] < b[2] ? 1 : -1);
  }

  // What one cut took from one holder, exactly.
  taken(cut, who) {
    const line = this.cuts.lines.get(`${cut.table}|${who}`), units = line ? valueAt(line, cut.row, 0n) : 0n;
    return units * cut.before / cut.per - units * cut.after / cut.per;
  }

  shareNote(row) {
    const cut = this.cuts && this.cuts.cuts.find((c) => c.row === row);
    if (cut) return `Each holder lost ${percent(cut.before - cut.after, cut.before)} of what he had there.`;
    const parts = this.cuts && this.cuts.parts.has(row) ? this.sharesOf(row) : [];
    if (!parts.length) return '';
    const {app} = this, told = parts.slice(0, 3).map(([who, asset, part]) => `${app.ledger.names[who]} ${app.amount(part, asset)}`);
    return `Borne by ${told.join(', ')}${parts.length > 3 ? ` and ${many(parts.length - 3, 'other')}` : ''}.`;
  }

  who(name) {
    const {app} = this, {ledger} = app, id = ledger.names.indexOf(name);
    if (!name) return;
    if (id < 0) { show($('why-out'), el('p', {class: 'bad'}, `Nobody here is called ${name}.`)); return; }
    const rows = app.rowsTouching(name), role = ledger.data.roles[id], lost = new Map(), back = new Map(), notes = new Map();
    for (const cut of this.cuts ? this.cuts.cuts : []) {
      const amount = this.taken(cut, id), {asset, kind, of} = this.cuts.tables[cut.table];
      if (amount <= 0n) continue;
      lost.set(asset, (lost.get(asset) || 0n) + amount);
      notes.set(cut.row, `${name}'s share of this ${kind === 'stake' ? `slash of ${of}` : 'haircut'}: ${app.amount(amount, asset)}.`);
    }
    for (const [row, parts] of this.cuts ? this.cuts.parts : []) for (const [who, asset, part] of parts) {
      if (who !== id) continue;
      const sums = part > 0n ? lost : back, amount = part > 0n ? part : -part;
      sums.set(asset, (sums.get(asset) || 0n) + amount);
      notes.set(row, part > 0n ? `${name}'s share: ${app.amount(amount, asset)}.` : `${name} got ${app.amount(amount, asset)} of it.`);
    }
    const sum = (sums) => [...sums].map(([asset, amount]) => app.amount(amount, asset)).join(' and ');
    const all = [...new Set([...rows, ...notes.keys()])].sort((a, b) => a - b), shown = all.slice(-150);
    show($('why-out'), el('h3', {}, `My money: ${name}${role === 'others' ? '' : ` (${role})`}`),
      el('p', {}, lost.size ? `Losses of others took ${sum(lost)} in all.${back.size ? ` Of that ${sum(back)} came back.` : ''}` : this.cuts ? 'No loss of others took anything.' : 'There are too many holders to tell single shares here.'),
      el('p', {class: 'quiet'}, `${many(all.length, 'event')}${all.length > shown.length ? `, of which the last ${shown.length}` : ''}:`),
      el('ol', {class: 'chain'}, shown.map((row) => this.line(row, notes.get(row)))));
  }
}
