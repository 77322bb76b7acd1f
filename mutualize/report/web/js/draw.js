// Colours that the colour-blind can tell apart (Okabe and Ito), each with a pattern of its own.

const PATTERNS = [
  (g) => g.append(svg('path', {d: 'M0 8L8 0M-2 2L2 -2M6 10L10 6', class: 'ink'})),
  (g) => g.append(svg('circle', {cx: 2, cy: 2, r: 1.3, class: 'dot'}), svg('circle', {cx: 6, cy: 6, r: 1.3, class: 'dot'})),
  (g) => g.append(svg('path', {d: 'M0 2H8M0 6H8', class: 'ink'})),
  (g) => g.append(svg('path', {d: 'M0 0L8 8M8 0L0 8', class: 'ink'})),
  (g) => g.append(svg('path', {d: 'M2 0V8M6 0V8', class: 'ink'})),
  (g) => g.append(svg('path', {d: 'M0 4H4V8M4 0V4H8', class: 'ink'})),
];

// The patterns stand in the page once; whoever fills by them names them.
function drawPatterns() {
  const defs = svg('defs');
  for (let i = 0; i < PATTERNS.length; i++) {
    const pattern = svg('pattern', {id: `p${i}`, width: 8, height: 8, patternUnits: 'userSpaceOnUse'});
    pattern.append(svg('rect', {width: 8, height: 8, class: `c${i}`}));
    PATTERNS[i](pattern);
    defs.append(pattern);
  }
  document.body.append(svg('svg', {width: 0, height: 0, 'aria-hidden': 'true', class: 'defs'}, defs));
}
const fillOf = (i) => `url(#p${i % PATTERNS.length})`;

function swatch(i) {
  return svg('svg', {width: 16, height: 12, 'aria-hidden': 'true', class: 'swatch'},
    svg('rect', {width: 16, height: 12, fill: fillOf(i)}));
}

const css = (name) => getComputedStyle(document.body).getPropertyValue(name).trim();
const isStill = () => matchMedia('(prefers-reduced-motion: reduce)').matches;
