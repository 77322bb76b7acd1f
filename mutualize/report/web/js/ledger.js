// The ledger in the page: columns to events. Nothing is built for an event before somebody looks at it.

const splitText = (text) => text === '' ? [] : text.split(',');
// A column of n values, of which the only one may be an empty text.
const column = (text, n) => n === 0 ? [] : text.split(',');

// What a loss leads to by itself. Sales that follow from a haircut, and their losses, are another story.
const OF_A_LOSS = ['LossAllocated', 'LossAbsorbed', 'LossHeld', 'LossReleased', 'LossPassedOn', 'MembersCalled', 'Slashed', 'SnapshotTaken',
  'ShortfallUncovered', 'PendingDeficitRaised', 'PendingDeficitCovered', 'ProposalMade', 'ProposalExecuted', 'DeficitEliminated', 'OffsetCovered'];

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

  // All transfers of an event: [debit, credit, asset, amount].
  transfers(row) {
    if (this.moved.has(row)) return this.moved.get(row);
    const shape = this.shape[row], [kind, moves] = this.shapes[shape];
    if (!moves.length) return moves;
    const known = this.columnsOf(kind), at = this.inKind[row], extras = this.extras[shape];
    let next = this.inShape[row] * this.perShape[shape];
    const text = (spelled) => {
      if (spelled[0] !== '{') return spelled;
      const i = known.fields.findIndex(([name]) => `{${name}}` === spelled);
      return i < 0 ? spelled : this.value(known, i, at);
    };
    const side = (spelled) => {
      const colon = spelled.indexOf(':'), venue = spelled.slice(0, colon), part = spelled.slice(colon + 1);
      if (venue !== 'outside') return `${text(venue)}:${part}`;
      return `outside:${part === '@' ? this.names[extras[next++]] : text(part)}`;
    };
    return moves.map(([debit, credit, asset, field, off]) => [side(debit), side(credit), text(asset),
      field < 0 ? BigInt(extras[next++]) : this.value(known, field, at) + BigInt(off)]);
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

  // What led to an event, the first cause first. An event without one follows from its transaction's beginning.
  chain(row) {
    const found = [row];
    for (let i = this.cause[row]; i >= 0 && found.length < 400; i = this.cause[i]) found.unshift(i);
    return found;
  }

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
