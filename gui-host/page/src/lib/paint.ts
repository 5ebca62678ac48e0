// What can wait until a person sees something.

/** Does it when what is being drawn has been painted; at once in a hidden tab, which paints nothing. */
export function afterPaint(act: () => void): void {
  if (document.hidden) act();
  else requestAnimationFrame(() => setTimeout(act));
}
