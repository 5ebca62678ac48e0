// What every member of the bus does alike: owning an inbox, reaching the queue of another, the head of a message.
//
// The rules are those of mqtypes/WIRE.md: only the owner makes a queue, and a lock says who that is. Nothing here waits.

#ifndef MEMBER_H
#define MEMBER_H

#include "values.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LONGEST_HEAD = 6 + 1 + 5 + 9 + 9 };

static inline uint64_t now_us(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

static inline void die(const char *what, const char *why) {
    fprintf(stderr, "%s: %s\n", what, why);
    exit(69);
}

// Anybody may have made a queue of this name.
static inline bool is_one_of_us(const struct stat *stat) { return stat->st_uid == geteuid() || stat->st_uid == 0; }

// Opens or makes our inbox, and ends the process when that cannot be. What was sent while we were away is still in it.
static inline mqd_t own_inbox(const char *name, long depth, long size, mode_t mode) {
    struct mq_attr wanted = {.mq_maxmsg = depth, .mq_msgsize = size}, attr;
    struct stat stat;
    for (;;) {
        mqd_t inbox = mq_open(name, O_RDONLY | O_NONBLOCK | O_CREAT | O_CLOEXEC, mode, &wanted);
        if (inbox < 0 || fstat(inbox, &stat) != 0) die(name, strerror(errno));
        if (!is_one_of_us(&stat)) die(name, "it belongs to another user");
        if (flock(inbox, LOCK_EX | LOCK_NB) != 0) die(name, "in use: one process of each kind per instance");
        if (fstat(inbox, &stat) != 0 || mq_getattr(inbox, &attr) != 0) die(name, strerror(errno));
        if (stat.st_nlink > 0 && attr.mq_maxmsg == depth && attr.mq_msgsize == size) {
            fchmod(inbox, mode);                                // The mode given at its making passes through the umask.
            return inbox;
        }
        if (stat.st_nlink > 0) mq_unlink(name);                 // Of another build; if it has no name, somebody was quicker.
        mq_close(inbox);
    }
}

// Opens another's queue, or keeps `queue` if it still is that; -1 when there is none. Its owner may be away, or have made it
// anew: then the old one has no name any more, and nobody will ever read it.
static inline mqd_t reach(mqd_t queue, const char *name, long size) {
    struct stat stat;
    struct mq_attr attr;
    if (queue >= 0 && fstat(queue, &stat) == 0 && stat.st_nlink > 0) return queue;
    if (queue >= 0) mq_close(queue);
    queue = mq_open(name, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (queue < 0) return -1;
    if (fstat(queue, &stat) == 0 && is_one_of_us(&stat) && mq_getattr(queue, &attr) == 0 && attr.mq_msgsize >= size) return queue;
    mq_close(queue);
    return -1;
}

// The head of a message: prefix and envelope.
static inline void put_head(struct writer *to, unsigned sender, uint32_t boot, uint64_t seq, uint64_t sent) {
    put_bytes(to, "oLBR\2\0", 6);
    put_uint(to, sender);
    put_uint(to, boot);
    put_uint(to, seq);
    put_uint(to, sent);
}

// Passes over the head; what is foreign or of another version is bad.
static inline void take_head(struct reader *from) {
    if (from->end - from->at < 6 || memcmp(from->at, "oLBR\2", 5) != 0) {
        from->is_bad = true;
        return;
    }
    from->at += 6;
    for (int field = 0; field < 4; field++) take_uint(from);    // Sender, boot, seq, sent.
}

#endif
