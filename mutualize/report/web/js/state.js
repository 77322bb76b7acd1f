// What is true after an event: lines of (row, value) that were added up once, and are searched by halving.

// The last value of a line at or before a row.
function valueAt(line, row, none) {
  let low = 0, high = line.rows.length;
  while (low < high) { const mid = (low + high) >> 1; if (line.rows[mid] <= row) low = mid + 1; else high = mid; }
  return low ? line.values[low - 1] : none;
}

function addTo(lines, key, row, amount) {
  let line = lines.get(key);
  if (!line) lines.set(key, line = {rows: [], values: []});
  const last = line.rows.length - 1, before = last < 0 ? 0n : line.values[last];
  if (last >= 0 && line.rows[last] === row) line.values[last] = before + amount;
  else { line.rows.push(row); line.values.push(before + amount); }
}

const HAS = ['cash', 'loans', 'deficit'];
const isDebitNormal = (account) => HAS.includes(account.split(':')[1]);

class State {
  constructor(ledger) {
    this.ledger = ledger;
    this.falls = ledger.data.waterfalls.map((fall) => this.readFall(fall));
    this.balances = new Map();
    const watched = new Set();
    for (const fall of this.falls) {
      watched.add(`${fall.deficit}|${fall.asset}`);
      for (const tier of fall.tiers) if (tier.holder) watched.add(`${tier.holder}|${tier.holds}`);
    }
    if (watched.size) this.walk(watched);
    for (const fall of this.falls) this.findDry(fall);
  }

  readFall(fall) {
    const [fellRows, fellAmounts] = fall.fell.map(splitText);
    const [paidRows, paidTiers, covered, paid] = fall.paid.map(splitText);
    const lines = new Map();
    fellRows.forEach((row, i) => addTo(lines, 'fell', Number(row), BigInt(fellAmounts[i])));
    paidRows.forEach((row, i) => {
      addTo(lines, `covered${paidTiers[i]}`, Number(row), BigInt(covered[i]));
      addTo(lines, `paid${paidTiers[i]}`, Number(row), BigInt(paid[i]));
      addTo(lines, 'covered', Number(row), BigInt(covered[i]));
    });
    return {...fall, lines, losses: fellRows.map(Number), pays: paidRows.map(Number)};
  }

  walk(watched) {
    const {ledger, balances} = this, parts = new Set([...watched].map((key) => key.slice(key.indexOf(':') + 1, key.lastIndexOf('|'))));
    const touches = ledger.shapesWith(parts);
    for (let row = 0; row < ledger.count; row++) {
      if (!touches[ledger.shape[row]]) continue;
      for (const [debit, credit, asset, amount] of ledger.transfers(row)) {
        const from = `${debit}|${asset}`, to = `${credit}|${asset}`;
        if (watched.has(from)) addTo(balances, from, row, isDebitNormal(debit) ? amount : -amount);
        if (watched.has(to)) addTo(balances, to, row, isDebitNormal(credit) ? -amount : amount);
      }
    }
  }

  balance(account, asset, row) {
    const line = this.balances.get(`${account}|${asset}`);
    return line ? valueAt(line, row, 0n) : 0n;
  }

  sum(fall, name, row) {
    const line = fall.lines.get(name);
    return line ? valueAt(line, row, 0n) : 0n;
  }

  deficit(fall, row) { return this.balance(fall.deficit, fall.asset, row); }

  // A tier after an event: what it had when the first loss came, what it paid, what it has.
  tier(fall, index, row) {
    const tier = fall.tiers[index], first = fall.losses[0] ?? Infinity;
    const left = tier.holder ? this.balance(tier.holder, tier.holds, row) : null;
    return {
      left,
      had: tier.had === null ? null : row < first ? left : BigInt(tier.had),
      paid: this.sum(fall, `paid${index}`, row),
      covered: this.sum(fall, `covered${index}`, row),
    };
  }

  // When each tier ran dry: the first payment after which it has no more, or could pay no more of a loss.
  findDry(fall) {
    fall.dry = fall.tiers.map((tier, index) => {
      if (!tier.used || !tier.holder) return -1;
      const line = fall.lines.get(`paid${index}`);
      return line ? line.rows.find((row) => this.balance(tier.holder, tier.holds, row) === 0n) ?? -1 : -1;
    });
  }
}
