// The drawing as a picture: what can be told of it without a canvas.

import { describe, expect, it } from 'vitest';
import { enlargement, standalone } from '../src/parts/picture';

describe('a picture', () => {
  it('is twice as large as the drawing, and never larger than a browser can draw', () => {
    expect(enlargement(500, 300)).toBe(2);
    expect(60_000 * enlargement(600, 60_000)).toBeLessThanOrEqual(16_384);
    const scale = enlargement(30_000, 20_000);
    expect(30_000 * scale * 20_000 * scale).toBeLessThanOrEqual(2 ** 26 + 1);
  });

  it('takes its colours along, and leaves tooltips behind', () => {
    document.head.innerHTML = '<style>rect { fill: rgb(1, 2, 3); }</style>';
    document.body.innerHTML = '<svg viewBox="0 0 10 20" width="5"><a href="#x"><title>about it</title><rect width="4" height="4"></rect></a></svg>';
    const drawing = document.querySelector('svg');
    if (drawing === null) throw new Error('there is no drawing');
    const text = standalone(drawing, 20, 40);
    expect(text).toMatch(/^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    expect(text).toMatch(/^<svg [^>]*width="20"[^>]*height="40"/);
    expect(text).toMatch(/<rect [^>]*fill="rgb\(1, 2, 3\)"/);
    expect(text).not.toContain('about it');
    expect(drawing.getAttribute('width')).toBe('5');
    expect(drawing.querySelector('rect')?.hasAttribute('fill')).toBe(false);
  });
});
