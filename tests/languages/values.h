// The values of which messages on the bus are made, as mqtypes/WIRE.md has them in "Values".
//
// Writing has a buffer of one message; whoever puts has seen to it that there is room. Reading never leaves the bytes it
// was given: what is not there, or is no value, makes the reader bad, and reads as zero.

#ifndef VALUES_H
#define VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { LONGEST_MESSAGE = 8192 };

struct writer { uint8_t bytes[LONGEST_MESSAGE]; size_t used; };
struct reader { const uint8_t *at, *end; bool is_bad; };
struct text { const uint8_t *bytes; size_t len; };              // A `String` or a `Vec<u8>`; it lies in the message.

static inline void put_bytes(struct writer *to, const void *bytes, size_t len) {
    memcpy(to->bytes + to->used, bytes, len);
    to->used += len;
}

// A `u16`, `u32` or `u64`, a length, or the number of a variant. A `u8` is one byte as it is.
static inline void put_uint(struct writer *to, uint64_t value) {
    int width = value <= 250 ? 0 : value <= UINT16_MAX ? 2 : value <= UINT32_MAX ? 4 : 8;
    to->bytes[to->used++] = (uint8_t)(width == 0 ? value : width == 2 ? 251 : width == 4 ? 252 : 253);
    for (int byte = 0; byte < width; byte++) to->bytes[to->used++] = (uint8_t)(value >> (8 * byte));
}

static inline void put_text(struct writer *to, const void *bytes, size_t len) {
    put_uint(to, len);
    put_bytes(to, bytes, len);
}

static inline uint8_t take_u8(struct reader *from) {
    if (from->at < from->end) return *from->at++;
    from->is_bad = true;
    return 0;
}

static inline uint64_t take_uint(struct reader *from) {
    uint8_t first = take_u8(from);
    if (first <= 250) return first;
    if (first > 253) from->is_bad = true;
    uint64_t value = 0;
    for (int byte = 0; !from->is_bad && byte < 2 << (first - 251); byte++) value |= (uint64_t)take_u8(from) << (8 * byte);
    return from->is_bad ? 0 : value;
}

static inline struct text take_text(struct reader *from) {
    uint64_t len = take_uint(from);
    if (len > (uint64_t)(from->end - from->at)) {
        from->is_bad = true;
        len = 0;
    }
    struct text text = {from->at, (size_t)len};
    from->at += len;
    return text;
}

#endif
