// What if: the same arithmetic as mutualize/report/web/what_if.py, in whole numbers of any size.

const WAD = 10n ** 18n;

function allowed(tier, left) {
  const limit = most(0n, left - tier.min_left) * tier.limit / WAD;
  return tier.amount_max === null ? limit : least(limit, tier.amount_max);
}

const shareOf = (tier, loss) => most(0n, loss - tier.offset) * tier.of_loss / WAD;

function readCase(data) {
  const big = (value) => value === null ? null : BigInt(value);
  return {
    tiers: data.tiers.map((t) => ({...t, limit: big(t.limit), of_loss: big(t.of_loss), min_left: big(t.min_left),
      offset: big(t.offset), amount_max: big(t.amount_max)})),
    losses: data.losses.map(big),
    bases: data.bases.map((row) => row.map(big)),
    extra: data.extra.map(big),
  };
}

// Share all losses out, one after the other, down the table.
function shareOut({tiers, losses, bases, extra}) {
  const spent = tiers.map(() => 0n), paid = [], open = [];
  losses.forEach((loss, k) => {
    let rest = loss;
    paid.push(tiers.map((tier, i) => {
      const purse = most(0n, bases[k][i] + extra[i] - spent[i]);
      const amount = tier.used ? least(shareOf(tier, rest), allowed(tier, purse)) : 0n;
      spent[i] += amount;
      rest -= amount;
      return amount;
    }));
    open.push(rest);
  });
  return {paid, open, totals: spent};
}

// part_i = floor(L*C_i/W) - floor(L*C_(i-1)/W): the parts sum to the amount, exactly.
function split(amount, weights) {
  const total = weights.reduce((sum, w) => sum + w, 0n);
  let running = 0n, before = 0n;
  return weights.map((weight) => {
    if (total === 0n) return 0n;
    running += weight;
    const upto = amount * running / total, part = upto - before;
    before = upto;
    return part;
  });
}

// Holders stand in the order of their names; `claims` are what they are owed.
function haircut(rule, amount, claims) {
  const sum = claims.reduce((total, claim) => total + claim, 0n);
  let left = least(amount, sum);
  const parts = claims.map(() => 0n);
  if (rule === 'pro-rata' || rule === 'equally') {
    let free = claims.map((_, i) => i).filter((i) => claims[i] > 0n);
    while (left > 0n) {
      const tried = split(left, free.map((i) => rule === 'equally' ? 1n : claims[i]));
      const full = free.filter((i, k) => tried[k] > claims[i]);
      if (!full.length) { free.forEach((i, k) => { parts[i] = tried[k]; }); break; }
      for (const i of full) { parts[i] = claims[i]; left -= claims[i]; }
      free = free.filter((i) => !full.includes(i));
    }
    return parts;
  }
  const sign = rule === 'largest-first' ? -1 : 1;
  const order = claims.map((_, i) => i).sort((a, b) =>
    claims[a] === claims[b] ? a - b : sign * (claims[a] < claims[b] ? -1 : 1));
  for (const i of order) { parts[i] = least(left, claims[i]); left -= parts[i]; }
  return parts;
}
