// Unpacks the page's own program, which the policy lets run because it names its hash.
globalThis.unpack = async (id) => {
  const place = document.getElementById(id), text = place.textContent;
  place.textContent = '';
  if (place.type !== 'application/gzip') return text;
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Response(plain).text();
};
unpack('program').then((text) => {
  const made = document.createElement('script');
  made.textContent = text;
  document.head.append(made);
}).catch(() => {
  const place = document.getElementById('trouble');
  place.hidden = false;
  place.textContent = 'This page could not be drawn: a browser of 2023 or later is needed.';
});
