// The ledger in the page: columns to events. Nothing is built for an event before somebody looks at it.

const splitText = (text) => text === '' ? [] : text.split(',');
// A column of n values, of which the only one may be an empty text.
const column = (text, n) => n === 0 ? [] : text.split(',');

// What a loss leads to by itself. Sales that follow from a haircut, and their losses, are another story.
const OF_A_LOSS = ['LossAllocated', 'LossAbsorbed', 'LossHeld', 'LossReleased', 'LossPassedOn', 'MembersCalled', 'Slashed', 'SnapshotTaken',
  'ShortfallUncovered', 'PendingDeficitRaised', 'PendingDeficitCovered', 'ProposalMade', 'ProposalExecuted', 'DeficitEliminated', 'OffsetCovered'];

const NO_MOVES = [];

class Ledger {
  constructor(data) {
    this.data = data;
    this.names = data.names;
    const events = data.events, n = this.count = events.count;
    this.shapes = events.shapes;
    this.kinds = new Map(events.kinds.map(([kind, fields, columns]) => [kind, {fields, columns: null, text: columns}]));
    this.shape = Int32Array.from(column(events.rows.shape, n));
    this.at = new Float64Array(n);
    this.cause = new Int32Array(n);
    this.seq = new Int32Array(n);
    this.tx = new Int32Array(n);
    const dt = column(events.rows.dt, n), cause = column(events.rows.cause, n), tx = column(events.rows.tx, n);
    const sizes = splitText(events.sizes);
    // where in its kind's columns, and in its shape's extras, an event stands
    this.inKind = new Int32Array(n);
    this.inShape = new Int32Array(n);
    const kindSeen = new Map(), shapeSeen = new Int32Array(this.shapes.length);
    let at = 0, seq = 0;
    for (let row = 0; row < n; row++) {
      at += Number(dt[row]);
      this.at[row] = at;
      this.seq[row] = seq;
      this.cause[row] = cause[row] === '' ? -1 : row - Number(cause[row]);
      this.tx[row] = seq - Number(tx[row]);
      seq += sizes.length ? Number(sizes[row]) : 1;
      const shape = this.shape[row], kind = this.shapes[shape][0], seen = kindSeen.get(kind) || 0;
      this.inKind[row] = seen;
      kindSeen.set(kind, seen + 1);
      this.inShape[row] = shapeSeen[shape]++;
    }
    this.kindSizes = kindSeen;
    this.extras = this.shapes.map((_, i) => events.extras[i] === '' ? [] : events.extras[i].split(','));
    this.perShape = this.shapes.map(([, moves]) => moves.reduce(
      (sum, [debit, credit, , field]) => sum + (debit === 'outside:@') + (credit === 'outside:@') + (field < 0), 0));
    this.compiled = [];
    this.moved = this.readMoved(events.moved);
    this.isThinned = sizes.length > 0;
    this.childrenOf = null;
  }

  // Of rows that stand for several events: what they moved together.
  readMoved(columns) {
    const [rows, debits, credits, assets, amounts] = columns.map(splitText), moved = new Map();
    rows.forEach((row, i) => {
      const list = moved.get(Number(row)) || moved.set(Number(row), []).get(Number(row));
      list.push([this.names[debits[i]], this.names[credits[i]], this.names[assets[i]], BigInt(amounts[i])]);
    });
    return moved;
  }

  kind(row) { return this.shapes[this.shape[row]][0]; }

  columnsOf(kind) {
    const known = this.kinds.get(kind);
    if (known && !known.columns) {
      const n = this.kindSizes.get(kind) || 0;
      known.columns = known.text.map((text) => column(text, n));
      known.text = null;
    }
    return known;
  }

  // A field as it stands: a text, a BigInt, or true and false.
  field(row, name) {
    const known = this.columnsOf(this.kind(row)), i = known.fields.findIndex(([field]) => field === name);
    return i < 0 ? undefined : this.value(known, i, this.inKind[row]);
  }

  value(known, i, at) {
    const raw = known.columns[i][at], type = known.fields[i][1];
    return type === 'text' ? this.names[raw] : type === 'flag' ? raw === '1' : BigInt(raw);
  }

  fields(row) {
    const known = this.columnsOf(this.kind(row));
    return known.fields.map(([name], i) => [name, this.value(known, i, this.inKind[row])]);
  }

  // How to spell a shape's transfers, worked out once: places in columns instead of names of fields.
  movesOf(shape) {
    if (this.compiled[shape]) return this.compiled[shape];
    const [kind, moves] = this.shapes[shape], known = this.columnsOf(kind);
    const place = (spelled) => spelled[0] === '{' ? known.fields.findIndex(([name]) => `{${name}}` === spelled) : -1;
    const side = (spelled) => {
      const colon = spelled.indexOf(':'), venue = spelled.slice(0, colon), part = spelled.slice(colon + 1);
      if (venue !== 'outside') return {isExtra: false, venue, at: place(venue), part};
      return part === '@' ? {isExtra: true} : {isExtra: false, venue, at: -1, part, partAt: place(part)};
    };
    const made = moves.map(([debit, credit, asset, field, off]) => ({debit: side(debit), credit: side(credit), asset, assetAt: place(asset), field, off: BigInt(off)}));
    return this.compiled[shape] = {known, made};
  }

  // All transfers of an event: [debit, credit, asset, amount].
  transfers(row) {
    if (this.moved.has(row)) return this.moved.get(row);
    const shape = this.shape[row];
    if (!this.shapes[shape][1].length) return NO_MOVES;
    const {known, made} = this.movesOf(shape), at = this.inKind[row], extras = this.extras[shape], {names} = this;
    let next = this.inShape[row] * this.perShape[shape];
    const side = (to) => {
      if (to.isExtra) return `outside:${names[extras[next++]]}`;
      if (to.partAt >= 0) return `outside:${names[known.columns[to.partAt][at]]}`;
      return `${to.at < 0 ? to.venue : names[known.columns[to.at][at]]}:${to.part}`;
    };
    return made.map((move) => [side(move.debit), side(move.credit), move.assetAt < 0 ? move.asset : names[known.columns[move.assetAt][at]],
      move.field < 0 ? BigInt(extras[next++]) : BigInt(known.columns[move.field][at]) + move.off]);
  }

  // The shapes of which a transfer can touch one of these parts of a venue.
  shapesWith(parts) {
    return this.shapes.map(([, moves], shape) => this.shapes[shape][0] === 'Merged' || moves.some(([debit, credit]) =>
      [debit, credit].some((spelled) => !spelled.startsWith('outside:') && parts.has(spelled.slice(spelled.indexOf(':') + 1)))));
  }

  // What an event led to, directly.
  children(row) {
    if (!this.childrenOf) {
      const first = new Int32Array(this.count).fill(-1), next = new Int32Array(this.count).fill(-1);
      for (let i = this.count - 1; i >= 0; i--) {
        const cause = this.cause[i];
        if (cause >= 0) { next[i] = first[cause]; first[cause] = i; }
      }
      this.childrenOf = {first, next};
    }
    const found = [];
    for (let i = this.childrenOf.first[row]; i >= 0; i = this.childrenOf.next[i]) found.push(i);
    return found;
  }

  // All that an event led to, in order; with `kinds`, only along events of these.
  cone(row, kinds) {
    const found = [], open = [row];
    while (open.length) for (const child of this.children(open.pop())) {
      if (kinds && !kinds.includes(this.kind(child))) continue;
      found.push(child);
      open.push(child);
    }
    return found.sort((a, b) => a - b);
  }

  // All that a loss led to by itself, also what was owed by a deadline: its payments name no cause, but a number.
  ofLoss(row) {
    const found = new Set(), open = [row];
    if (!this.numbered) {
      this.numbered = new Map();
      for (const at of this.rowsOf(['LossAbsorbed', 'LossPassedOn', 'LossReleased'])) if (this.field(at, 'number') > 0n) {
        const key = `${this.field(at, 'venue')}|${this.field(at, 'asset')}|${this.field(at, 'number')}`;
        (this.numbered.get(key) || this.numbered.set(key, []).get(key)).push(at);
      }
    }
    while (open.length) {
      const from = open.pop(), more = [...this.cone(from, OF_A_LOSS)];
      for (const at of [from, ...more]) {
        const kind = this.kind(at), number = kind === 'LossAllocated' || kind === 'LossHeld' ? this.field(at, 'number') : 0n;
        if (number > 0n) more.push(...this.numbered.get(`${this.field(at, 'venue')}|${this.field(at, 'asset')}|${number}`) || []);
      }
      for (const at of more) if (!found.has(at)) { found.add(at); open.push(at); }
    }
    found.delete(row);
    return [...found].sort((a, b) => a - b);
  }

  // What led to an event, the first cause first. An event without one follows from its transaction's beginning.
  chain(row) {
    const found = [row];
    for (let i = this.cause[row]; i >= 0 && found.length < 400; i = this.cause[i]) found.unshift(i);
    return found;
  }

  // Whether a liquidator bought of reserves what they had taken over: he repaid nobody's debt.
  isPurchase(row) { return this.transfers(row).some(([, credit]) => credit.endsWith(':loans:absorbed')); }

  rowsOf(kinds) {
    const wanted = this.shapes.map(([kind]) => kinds.includes(kind)), found = [];
    for (let row = 0; row < this.count; row++) if (wanted[this.shape[row]]) found.push(row);
    return found;
  }

  rowAtSeq(seq) {
    let low = 0, high = this.count - 1;
    while (low < high) { const mid = (low + high + 1) >> 1; if (this.seq[mid] <= seq) low = mid; else high = mid - 1; }
    return low;
  }
}
