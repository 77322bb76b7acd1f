// The address: what stands behind its '#' is the event that is looked at, and what was changed in "What if".
//
//   #event=1234&waterfall=1&what-if=order:1.0.2;extra:0.-5000.0;limit:…;used:1.1.0;rule:equally
//
// Numbers are base units and places in the table, in its own order: no name of anybody has to be spelled.

const ADDRESS_MAX = 8000;

// What was changed, and '' for the table as it was.
function toldOf(whatIf) {
  const {original} = whatIf, parts = [];
  if (!original) return '';
  const add = (name, now, was) => { if (now.join('.') !== was.join('.')) parts.push(`${name}:${now.join('.')}`); };
  add('order', whatIf.order, original.tiers.map((_, i) => i));
  add('used', whatIf.used.map(Number), original.tiers.map((tier) => Number(tier.used)));
  add('extra', whatIf.extra, original.tiers.map(() => 0n));
  add('limit', whatIf.limits, original.tiers.map((tier) => tier.limit));
  if (whatIf.rule !== RULES[0][0]) parts.push(`rule:${whatIf.rule}`);
  return parts.join(';');
}

// The settings that an address tells, only such as the controls could have made; null for any other.
function settingsOf(whatIf, text) {
  const {original, fall} = whatIf;
  if (!original) return null;
  const {tiers, bases} = original, found = {};
  for (const part of text.split(';')) {
    const [, name, value] = /^(order|used|extra|limit|rule):([\w.-]+)$/.exec(part) || [];
    if (!name || name in found) return null;
    found[name] = value.split('.');
    if (name !== 'rule' && (found[name].length !== tiers.length || !found[name].every((digits) => /^-?\d{1,60}$/.test(digits)))) return null;
  }
  const made = {};
  if (found.order) {
    made.order = found.order.map(Number);
    if (!tiers.every((_, i) => made.order.includes(i))) return null;
  }
  if (found.used) {
    made.used = found.used.map((digit) => digit === '1');
    if (!found.used.every((digit) => digit === '0' || digit === '1')) return null;
  }
  if (found.extra) {
    made.extra = found.extra.map(BigInt);
    if (!tiers.every((tier, i) => tier.payer === 'claims' ? made.extra[i] === 0n : bases[0][i] + made.extra[i] >= 0n)) return null;
  }
  if (found.limit) {
    made.limits = found.limit.map(BigInt);
    if (!tiers.every((tier, i) => tier.payer === 'stake' || tier.payer === 'claims' ? made.limits[i] >= 0n && made.limits[i] <= WAD : made.limits[i] === tier.limit)) return null;
  }
  if (found.rule) {
    made.rule = found.rule[0];
    if (found.rule.length > 1 || !fall.claims || !RULES.some(([name]) => name === made.rule)) return null;
  }
  return made;
}

class Address {
  constructor(app) {
    this.app = app;
    addEventListener('hashchange', () => this.read());
  }

  // Written when nothing has changed for a moment: browsers allow so many changes and no more.
  write() {
    clearTimeout(this.timer);
    // a frame without an address of its own has no history either
    this.timer = setTimeout(() => { try { history.replaceState(null, '', this.text()); } catch { /* it stays unshared */ } }, 300);
  }

  text() {
    const {app} = this, at = app.state.falls.indexOf(app.fall), changed = toldOf(app.whatIf);
    return `#event=${app.ledger.seq[app.row]}${at > 0 ? `&waterfall=${at}` : ''}${changed ? `&what-if=${changed}` : ''}`;
  }

  // Go where the address says; what it says that is not here is left, and that is told. False where it says nothing.
  read() {
    const {app} = this, wanted = new Map(), astray = [];
    let text = '';
    try { text = decodeURIComponent(location.hash.slice(1)); } catch { astray.push('it is no text'); }
    if (!astray.length && !text.includes('=') && (!text || document.getElementById(text))) return false;
    if (text.length > ADDRESS_MAX) { astray.push('it is too long'); text = ''; }
    for (const part of text ? text.split('&') : []) {
      const at = part.indexOf('='), name = part.slice(0, Math.max(0, at)).replace(/^e$/, 'event');
      if (['event', 'waterfall', 'what-if'].includes(name) && !wanted.has(name)) wanted.set(name, part.slice(at + 1));
      else astray.push('a part of it means nothing here');
    }
    const number = (name, count, what) => {
      const value = wanted.get(name);
      if (value === undefined) return -1;
      if (/^\d{1,12}$/.test(value) && Number(value) < count) return Number(value);
      astray.push(`there is no such ${what}`);
      return -1;
    };
    const seq = number('event', app.ledger.data.events.all, 'event'), at = Math.max(0, number('waterfall', app.state.falls.length, 'waterfall'));
    const isOther = app.fall !== (app.state.falls[at] || null);
    if (isOther) { app.choose(at); app.flows.draw(); } else if (toldOf(app.whatIf)) app.whatIf.build(app.fall);
    const made = wanted.has('what-if') ? settingsOf(app.whatIf, wanted.get('what-if')) : null;
    if (made) { Object.assign(app.whatIf, made); app.whatIf.frame(); } else if (wanted.has('what-if')) astray.push('its what-if settings cannot be made here');
    if (seq >= 0) app.go(app.ledger.rowAtSeq(seq)); else if (isOther) app.go(app.fall.losses[0]);
    // who is sent a link is shown what it is about; who only loads the page again stays where he was
    if (!astray.length && (made || seq >= 0) && performance.getEntriesByType('navigation')[0]?.type === 'navigate') $(made ? 'whatif' : 'waterfall').scrollIntoView();
    $('astray').hidden = !astray.length;
    $('astray').textContent = astray.length ? `This page's address could not be followed: ${[...new Set(astray)].join('; ')}. That part was ignored.` : '';
    return seq >= 0 || isOther;
  }
}
