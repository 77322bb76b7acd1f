// Words and numerals: exact integers to text, moments to UTC; and elements, whose texts are always only text.

const $ = (id) => document.getElementById(id);

// el('td', {class: 'n'}, 'text', child): never parses anything.
function el(name, given, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(given || {})) {
    if (key === 'on') for (const [kind, run] of Object.entries(value)) made.addEventListener(kind, run);
    else if (value === true) made.setAttribute(key, '');
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== ''));
  return made;
}

function svg(name, given, ...children) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(given || {})) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const show = (place, ...children) => place.replaceChildren(...children.flat(Infinity).filter(Boolean));

// An exact numeral: 1234500n with 6 decimals is '1.2345'.
function numeral(value, decimals) {
  const negative = value < 0n;
  const digits = (negative ? -value : value).toString().padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const part = decimals ? digits.slice(-decimals).replace(/0+$/, '') : '';
  return (negative ? '-' : '') + whole + (part ? '.' + part : '');
}

const grouped = (whole) => whole.replace(/\B(?=(\d{3})+$)/g, ',');

// A numeral for people: cut, never rounded up; what is cut to nothing but is not nothing reads 'dust'.
function cut(value, decimals, places) {
  const exact = numeral(value, decimals), negative = exact[0] === '-';
  const [whole, part = ''] = exact.replace('-', '').split('.');
  const wanted = places ?? (whole.length >= 3 ? 2 : whole !== '0' ? 4 : 8);
  const kept = part.slice(0, wanted).padEnd(Math.min(wanted, 2), '0');
  if (value !== 0n && /^0*$/.test(whole + kept)) return (negative ? '-' : '') + 'dust';
  return (negative ? '-' : '') + grouped(whole) + (wanted ? '.' + kept : '');
}

const moment = (at) => new Date(at * 1000).toISOString().replace('.000', '').replace('T', ' ');
const clock = (at) => moment(at).slice(11, 19);
const many = (n, word) => `${grouped(String(n))} ${word}${n === 1 || n === 1n ? '' : 's'}`;

// A share as '16.95 %', cut; exact to the digit that is shown.
function percent(part, whole) {
  if (whole === 0n) return '';
  const scaled = part * 10000n / whole;
  return part !== 0n && scaled === 0n ? 'dust' : `${scaled / 100n}.${String(scaled % 100n).padStart(2, '0')} %`;
}

const least = (a, b) => a < b ? a : b;
const most = (a, b) => a > b ? a : b;

// For drawing only: never shown, never added up.
const near = (part, whole) => whole === 0n ? 0 : Number(part * 1000000n / whole) / 1e6;

function table(columns, rows, more) {
  const head = columns.map((c) => el('th', {class: c[0] === '>' ? 'n' : null, scope: 'col'}, worded(c.replace('>', ''))));
  const body = rows.map((row) => el('tr', {class: row.tone || null},
    (row.cells || row).map((cell, i) => el('td', {class: columns[i][0] === '>' ? 'n' : null}, cell))));
  return el('div', {class: 'wide'}, el('table', more || {}, el('thead', {}, el('tr', {}, head)), el('tbody', {}, body)));
}

// A file from text: a Blob needs no network and no leave of the policy.
function download(name, text) {
  const link = el('a', {href: URL.createObjectURL(new Blob([text], {type: 'text/csv'})), download: name});
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// A cell of a CSV. What a spreadsheet would run as a formula is led by an apostrophe.
function csvCell(value) {
  const text = String(value), safe = /^[=+@\t\r-]/.test(text) && !/^-?[\d.]+$/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
}
const csv = (rows) => rows.map((row) => row.map(csvCell).join(',')).join('\r\n') + '\r\n';
