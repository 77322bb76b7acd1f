// Who paid whom: from the debt that was called in, by market and tiers, to the last holder; widths to scale.

class Flows {
  constructor(app) {
    this.app = app;
    this.pairs = null;
    for (const input of document.querySelectorAll('input[name=flow]')) input.addEventListener('change', () => this.draw());
  }

  isNow() { return document.querySelector('input[name=flow]:checked').value === 'now'; }
  follow() { if (this.isNow()) this.draw(); }

  // Every movement between two roles, added up along the ledger.
  readPairs() {
    const {ledger} = this.app, lines = new Map(), roles = new Map(ledger.names.map((name, i) => [name, ledger.data.roles[i]]));
    const role = (name) => roles.get(name) || name;
    for (let row = 0; row < ledger.count; row++) {
      for (const [debit, credit, asset, amount] of ledger.transfers(row)) {
        const [to, toPart] = this.apart(debit), [from, fromPart] = this.apart(credit);
        let giver, taker;
        if (to === 'outside') { giver = role(fromPart); taker = role(toPart); }
        else if (fromPart === 'deficit') { giver = ledger.field(row, 'tier') || (toPart.startsWith('tier:') ? toPart.slice(5) : role(this.party(row))); taker = `deficit of ${to}`; }
        else if (toPart === 'cash') { giver = role(this.party(row)); taker = to; }
        else if (fromPart === 'cash') { giver = to; taker = role(this.party(row, true)); }
        else continue;
        if (giver !== taker) addTo(lines, `${giver}\u0000${taker}\u0000${asset}`, row, amount);
      }
    }
    return lines;
  }

  apart(account) { const colon = account.indexOf(':'); return [account.slice(0, colon), account.slice(colon + 1)]; }

  party(row, out) {
    const {ledger} = this.app;
    for (const name of out ? ['liquidator', 'to', 'account'] : ['liquidator', 'payer', 'account']) { const value = ledger.field(row, name); if (value) return value; }
    return ledger.field(row, 'tier') || ledger.field(row, 'stake') || 'others';
  }

  draw() {
    const {app} = this, fall = app.fall, row = this.isNow() ? app.row : app.ledger.count - 1;
    const was = $('flows-out').querySelector('details'), isOpen = was ? was.open : !fall;
    const figures = el('details', {open: isOpen}, el('summary', {}, 'Every flow between roles, tiers and venues, in figures'));
    // adding all of them up takes a while in a long run: only for whoever wants to see it
    const fill = () => { if (figures.open && figures.children.length === 1) figures.append(this.figures(row)); };
    figures.addEventListener('toggle', fill);
    fill();
    show($('flows-out'), fall ? this.picture(fall, row) : null, figures);
  }

  figures(row) {
    const {app} = this;
    if (!this.pairs) this.pairs = this.readPairs();
    const found = [...this.pairs].map(([key, line]) => [...key.split('\u0000'), valueAt(line, row, 0n)]).filter((pair) => pair[3] > 0n);
    const rows = found.sort((a, b) => a[2] === b[2] ? (a[3] < b[3] ? 1 : -1) : a[2] < b[2] ? -1 : 1).slice(0, 80)
      .map(([from, to, asset, sum]) => [from, to, asset, app.plain(sum, asset)]);
    return table(['from', 'to', 'asset', '>amount'], rows);
  }

  // Layers of the picture: [name, amount, colour] by layer, and links between them.
  layers(fall, row) {
    const {app} = this, {state} = app, fell = state.sum(fall, 'fell', row), repaid = app.repaid(fall, row);
    const owing = most(0n, fell - state.sum(fall, 'covered', row)), back = most(0n, owing - most(0n, state.deficit(fall, row))), open = owing - back;
    this.taken ??= app.ledger.rowsOf(['Absorbed']).length > 0;
    const nodes = [], links = [], node = (layer, name, size, colour) => { nodes.push({layer, name, size, colour}); return nodes.length - 1; };
    const debt = node(0, repaid > 0n || fall.debtors ? 'debt that was called in' : 'what was lost', fell + repaid, 'cd'), sold = repaid > 0n ? node(1, this.taken ? 'reserves: collateral' : 'market: collateral sold', repaid, 'cm') : -1;
    const short = node(1, 'shortfall', fell, 'cd');
    if (sold >= 0) links.push([debt, sold, repaid]);
    links.push([debt, short, fell]);
    fall.tiers.forEach((tier, i) => {
      const covered = state.sum(fall, `covered${i}`, row);
      if (covered <= 0n) return;
      const at = node(2, tier.tier, covered, i);
      links.push([short, at, covered]);
      for (const [name, part] of this.bearers(fall, tier, i, row, covered)) links.push([at, node(3, name, part, i), part]);
    });
    if (back > 0n) links.push([short, node(2, 'money that came back', back, 'cm'), back]);
    if (open > 0n) links.push([short, node(2, 'nobody yet', open, 'cd'), open]);
    return {nodes, links};
  }

  // The last holders of a tier: by name where the ledger tells their units, else as who they are.
  bearers(fall, tier, i, row, covered) {
    const {app} = this, {cuts} = app.why, who = {fund: 'money set aside', stake: 'stakers', claims: 'depositors', mint: 'token holders, diluted', assessment: 'members who were called', winners: 'those who had won', house: 'the house', injection: 'an operator'}[tier.payer] || tier.payer;
    const table = cuts ? cuts.tables.findIndex((t) => t.venue === fall.venue && t.asset === fall.asset && (tier.payer === 'claims' ? t.kind === 'claims' : t.kind === 'stake' && (t.of === tier.tier || tier.holder.endsWith(`:${t.of}`)))) : -1;
    const byName = new Map();
    if (cuts && cuts.parts.size) for (const at of fall.pays) if (at <= row && app.ledger.kind(at) === 'LossAbsorbed' && app.ledger.field(at, 'tier') === tier.tier && app.ledger.field(at, 'venue') === fall.venue)
      for (const [id, asset, part] of app.why.cuts.parts.get(at) || []) if (asset === fall.asset && part > 0n) byName.set(id, (byName.get(id) || 0n) + part);
    if (byName.size) return this.largest([...byName].map(([id, part]) => [app.ledger.names[id], part]), who, covered);
    const own = table < 0 ? [] : cuts.cuts.filter((cut) => cut.table === table && cut.row <= row + 3);
    const names = own.length ? [...cuts.lines.keys()].filter((key) => key.startsWith(`${table}|`)).map((key) => key.split('|')[1]) : [];
    if (!names.length || names.length * own.length > 60000) return [[who, covered]];
    const parts = names.map((name) => [app.ledger.names[name], own.reduce((sum, cut) => sum + app.why.taken(cut, name), 0n)]).filter(([, part]) => part > 0n);
    return this.largest(parts, who, covered);
  }

  // The largest few by name, and the rest together.
  largest(parts, who, covered) {
    parts.sort((a, b) => a[1] === b[1] ? 0 : a[1] < b[1] ? 1 : -1);
    const kept = parts.slice(0, 4), rest = covered - kept.reduce((sum, [, part]) => sum + part, 0n);
    if (rest > 0n && parts.length > kept.length) kept.push([`${grouped(String(parts.length - kept.length))} more ${who}`, rest]);
    return kept;
  }

  picture(fall, row) {
    const {app} = this, {nodes, links} = this.layers(fall, row), total = nodes[0].size;
    if (total === 0n) return el('p', {class: 'quiet'}, 'Nothing had been called in by then.');
    const W = 880, H = 300, gap = 16, xs = [4, 250, 470, 690], wide = 14;
    const tall = Math.max(...[0, 1, 2, 3].map((layer) => nodes.filter((n) => n.layer === layer).length)), room = H - gap * (tall + 1);
    for (const layer of [0, 1, 2, 3]) {
      let y = gap;
      for (const n of nodes.filter((one) => one.layer === layer)) {
        n.x = xs[layer]; n.h = Math.max(1, near(n.size, total) * room); n.y = y; n.inAt = n.outAt = y;
        y += Math.max(n.h, 20) + gap;
        n.end = y;
      }
    }
    const height = Math.max(H, ...nodes.map((n) => n.end)) + 4;
    const drawn = svg('svg', {viewBox: `0 0 ${W} ${height}`, class: 'sankey', role: 'img', 'aria-label': links.map(([a, b, v]) => `${nodes[a].name} to ${nodes[b].name}: ${app.amount(v, fall.asset)}`).join('; ')});
    for (const [a, b, value] of links) {
      const from = nodes[a], to = nodes[b], h = Math.max(1, near(value, total) * room), x1 = from.x + wide, x2 = to.x, mid = (x1 + x2) / 2, y1 = from.outAt, y2 = to.inAt;
      from.outAt += h; to.inAt += h;
      drawn.append(svg('path', {class: `flow ${this.tone(to.colour)}`, d: `M${x1} ${y1}C${mid} ${y1} ${mid} ${y2} ${x2} ${y2}V${y2 + h}C${mid} ${y2 + h} ${mid} ${y1 + h} ${x1} ${y1 + h}Z`}));
    }
    for (const n of nodes) {
      drawn.append(svg('rect', {x: n.x, y: n.y, width: wide, height: n.h, ...(typeof n.colour === 'number' ? {fill: fillOf(n.colour)} : {class: `level ${n.colour}`})}));
      const name = svg('text', {x: n.x + wide + 5, y: n.y + 12, class: 'name'}), sum = svg('text', {x: n.x + wide + 5, y: n.y + 26, class: 'sum'});
      name.textContent = n.name.length > 27 ? `${n.name.slice(0, 26)}…` : n.name;
      sum.textContent = app.amount(n.size, fall.asset);
      drawn.append(name, sum);
    }
    return el('div', {class: 'wide'}, drawn);
  }

  tone(colour) { return typeof colour === 'number' ? `c${colour % PATTERNS.length}` : colour; }
}
