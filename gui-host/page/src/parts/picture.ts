// Saves a drawing as a picture, in the colours in which it stands on the page. It comes with the parts that are fetched
// later.

import { saveBlob } from './save';

/** Twice the size on the page, so that it stays sharp in print. */
const SHARP = 2;

/** What every browser can still draw on, in pixels: one side, and in all. */
const MOST_SIDE = 16_384;
const MOST_AREA = 2 ** 26;

/** What of a drawing's look comes from the page's styles. */
const LOOKS = ['fill', 'stroke', 'stroke-width', 'stroke-dasharray', 'opacity', 'font-family', 'font-size', 'font-style', 'font-weight', 'text-anchor'];

/** By how much a drawing of this size is enlarged; a huge one is made smaller. */
export function enlargement(width: number, height: number): number {
  return Math.min(SHARP, MOST_SIDE / Math.max(width, height), Math.sqrt(MOST_AREA / (width * height)));
}

/** A drawing as a text that needs nothing of the page. */
export function standalone(drawing: SVGSVGElement, width: number, height: number): string {
  const copy = drawing.cloneNode(true) as SVGSVGElement;
  const [from, to] = [[...drawing.querySelectorAll('*')], [...copy.querySelectorAll('*')]];
  for (const [place, element] of to.entries()) {
    const original = from[place];
    if (original === undefined) continue;
    const styles = getComputedStyle(original);
    for (const look of LOOKS) element.setAttribute(look, styles.getPropertyValue(look));
  }
  for (const title of copy.querySelectorAll('title')) title.remove();
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  copy.setAttribute('width', String(width));
  copy.setAttribute('height', String(height));
  return new XMLSerializer().serializeToString(copy);
}

/** The drawing must be on the page, whole, and have a `viewBox`. */
export async function savePicture(name: string, drawing: SVGSVGElement): Promise<void> {
  const { width, height } = drawing.viewBox.baseVal;
  const scale = enlargement(width, height);
  const [across, down] = [Math.ceil(width * scale), Math.ceil(height * scale)];
  const image = new Image(across, down);
  image.src = `data:image/svg+xml,${encodeURIComponent(standalone(drawing, across, down))}`;
  await image.decode();
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [across, down];
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('this browser draws no pictures');
  context.fillStyle = getComputedStyle(drawing).backgroundColor;
  context.fillRect(0, 0, across, down);
  context.drawImage(image, 0, 0, across, down);
  const picture = await new Promise<Blob | null>((done) => canvas.toBlob(done));
  if (picture === null) throw new Error('the picture is too large for this browser');
  saveBlob(name, picture);
}
