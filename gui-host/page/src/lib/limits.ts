// Bounds of the model. The page must stay small however long it is open and whatever a router sends; the numbers are
// several times what a network of 300 motes needs.

export const MAX_LBRS = 32;
export const MAX_LINKS = 64;
export const MAX_MOTES = 2000;
export const MAX_ELEMENTS = 64;
export const MAX_ROWS = 256;
export const MAX_FIELDS = 64;
export const MAX_COUNTS = 4000;
export const MAX_LOG = 500;
export const MAX_COMMANDS = 50;
export const MAX_PROCESSES = 32;
export const MAX_REASONS = 32;
/** Stages of a link, lines of ssh's words, commands to copy. */
export const MAX_LINES = 50;
