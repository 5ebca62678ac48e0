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
export const MAX_PORTS = 1024;
/** Of an answer about history, as gui-host bounds it too. */
export const MAX_POINTS = 10_000;
export const MAX_MARKS = 500;
/** Parents of one mote; RFC 6550 networks tell one or two. */
export const MAX_PARENTS = 16;
/** Stages of a link, lines of ssh's words, commands to copy. */
export const MAX_LINES = 50;

/**
 * From this age on a value is marked as old. A mote repeats its elements every second or two; the rows of its tables
 * come in turn, one at a time, and a schedule has a hundred.
 */
export const OLD_ELEMENT_MS = 30_000;
export const OLD_ROW_MS = 300_000;
/** A mote without a cable is heard by its DAOs and packets, which are a minute and more apart. */
export const OLD_PACKET_MS = 300_000;
