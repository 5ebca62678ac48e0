// The bytes of a mote's serial line: HDLC frames as in RFC 1662, and the mote's XON, XOFF and escapes on top of them.
//
// It does no I/O and keeps at most one frame. The flag that ends a bad frame begins the next one, so that any noise is
// survived. A host never escapes what it sends, and sends neither XON nor XOFF: the mote would take them for data.

#ifndef MOTE_LINE_H
#define MOTE_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { XON = 0x11, FLOW_ESCAPE = 0x12, XOFF = 0x13, FLAG = 0x7e, ESCAPE = 0x7d };
enum { LONGEST_FROM_MOTE = 1024, LONGEST_TO_MOTE = 197 };       // The mote's output ring, CRC included; its input buffer, without.

// What a byte was. From HEARD_BAD_CRC on they are faults, in the order of `FrameFault`.
enum heard {
    HEARD_NOTHING, HEARD_NOISE, HEARD_XON, HEARD_XOFF, HEARD_FRAME,
    HEARD_BAD_CRC, HEARD_TOO_SHORT, HEARD_TOO_LONG, HEARD_ESCAPE_AT_END,
};

struct mote_line {
    enum { HUNTING, INSIDE, ESCAPED, OVERLONG } state;
    bool is_flow_escaped;
    uint8_t frame[LONGEST_FROM_MOTE];                           // After HEARD_FRAME its payload, until the next byte.
    size_t used, payload_len;
};

// CRC-16/X-25; its low byte goes first.
static inline uint16_t crc(const uint8_t *bytes, size_t len) {
    uint16_t value = 0xffff;
    for (size_t at = 0; at < len; at++) {
        value ^= bytes[at];
        for (int bit = 0; bit < 8; bit++) value = (uint16_t)(value & 1 ? value >> 1 ^ 0x8408 : value >> 1);
    }
    return (uint16_t)~value;
}

static inline enum heard end_frame(struct mote_line *line) {
    size_t used = line->used;
    int state = line->state;
    line->state = INSIDE;
    line->used = 0;
    if (state == ESCAPED) return HEARD_ESCAPE_AT_END;
    if (state == OVERLONG) return HEARD_TOO_LONG;
    if (state == HUNTING || used == 0) return HEARD_NOTHING;
    if (used < 3) return HEARD_TOO_SHORT;
    line->payload_len = used - 2;
    uint16_t sum = (uint16_t)(line->frame[used - 2] | line->frame[used - 1] << 8);
    return sum == crc(line->frame, used - 2) ? HEARD_FRAME : HEARD_BAD_CRC;
}

static inline enum heard hear(struct mote_line *line, uint8_t byte) {
    if (byte == XON) return HEARD_XON;                          // Raw, they are flow control wherever they stand.
    if (byte == XOFF) return HEARD_XOFF;
    if (byte == FLOW_ESCAPE) {
        line->is_flow_escaped = true;
        return HEARD_NOTHING;
    }
    if (line->is_flow_escaped && byte >= 1 && byte <= 3) byte ^= 0x10;
    line->is_flow_escaped = false;

    if (byte == FLAG) return end_frame(line);
    if (line->state == HUNTING) return HEARD_NOISE;
    if (line->state == INSIDE && byte == ESCAPE) {
        line->state = ESCAPED;
        return HEARD_NOTHING;
    }
    if (line->state == ESCAPED) {
        line->state = INSIDE;
        byte ^= 0x20;
    }
    if (line->state == INSIDE && line->used == LONGEST_FROM_MOTE) line->state = OVERLONG;
    if (line->state == INSIDE) line->frame[line->used++] = byte;
    return HEARD_NOTHING;
}

// Makes a frame in `to`, which has room for every byte to be escaped; tells its length.
static inline size_t make_frame(uint8_t *to, const uint8_t *payload, size_t len) {
    uint16_t sum = crc(payload, len);
    size_t used = 0;
    to[used++] = FLAG;
    for (size_t at = 0; at < len + 2; at++) {
        uint8_t byte = at < len ? payload[at] : (uint8_t)(at == len ? sum : sum >> 8);
        if (byte == FLAG || byte == ESCAPE) {
            to[used++] = ESCAPE;
            byte ^= 0x20;
        }
        to[used++] = byte;
    }
    to[used++] = FLAG;
    return used;
}

#endif
