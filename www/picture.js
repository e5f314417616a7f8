// Makes a picture of the canvas: an SVG that stands by itself, or a PNG of it. Loaded when wanted.
(() => {
  const { kind, name } = document.currentScript.dataset;
  const from = document.querySelector('#canvas svg.stage');
  if (!from) return;
  // What the style sheets say is written onto the elements, so that the picture needs none of them.
  const KEPT = ['fill', 'fill-opacity', 'stroke', 'stroke-width', 'stroke-dasharray', 'stroke-linecap', 'stroke-linejoin',
    'stroke-opacity', 'opacity', 'font-family', 'font-size', 'font-weight', 'letter-spacing', 'text-anchor',
    'dominant-baseline', 'text-decoration', 'visibility', 'display', 'paint-order'];
  const box = from.getBoundingClientRect();
  const to = from.cloneNode(true);
  const pairs = [[from, to]];
  while (pairs.length) {
    const [a, b] = pairs.pop();
    const style = getComputedStyle(a);
    for (const key of KEPT) {
      const value = style.getPropertyValue(key);
      if (value) b.setAttribute(key, value);
    }
    for (const attribute of [...b.attributes]) {
      if (/^(on|data-|aria-|tabindex|class$)/.test(attribute.name)) b.removeAttribute(attribute.name);
    }
    [...a.children].forEach((child, i) => pairs.push([child, b.children[i]]));
  }
  to.querySelectorAll('foreignObject, script').forEach((e) => e.remove());
  to.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  to.setAttribute('width', box.width);
  to.setAttribute('height', box.height);
  to.setAttribute('viewBox', `0 0 ${box.width} ${box.height}`);
  const ground = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
  const css = getComputedStyle(document.documentElement);
  for (const [key, value] of [['width', '100%'], ['height', '100%'], ['fill', css.getPropertyValue('--bg')]]) ground.setAttribute(key, value);
  to.prepend(ground);
  const text = new XMLSerializer().serializeToString(to);
  const give = (blob, ending) => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(blob);
    link.download = `${name}.${ending}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };
  const svg = new Blob([text], { type: 'image/svg+xml' });
  if (kind === 'svg') return give(svg, 'svg');
  const image = new Image();
  image.onload = () => {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [box.width * 2, box.height * 2];
    canvas.getContext('2d').drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((blob) => blob && give(blob, 'png'), 'image/png');
  };
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
})();
