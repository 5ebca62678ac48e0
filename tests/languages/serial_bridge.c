// Takes the place of serial-bridge for one port: a member of the bus in another language, to start from.
//
//     cc -std=c11 -Wall -Wextra -Werror -O2 -o serial_bridge serial_bridge.c -lrt
//     ./serial_bridge lbr /dev/ttyUSB0
//
// What the bytes on the bus are, and what a member of it has to do, stands in mqtypes/WIRE.md. There is one thread and one
// poll(); nothing else waits, nothing comes from the heap, and what waits to be said is bounded, and counted when it is lost.

#define _GNU_SOURCE
#include "member.h"
#include "mote_line.h"
#include "values.h"

#include <poll.h>
#include <signal.h>
#include <sys/random.h>
#include <termios.h>

enum { INBOX_DEPTH = 10, INBOX_SIZE = 2048, EVENTBUS_SIZE = 8192, SERIAL_BRIDGE = 0 };
enum { PORT = 0, FRAME = 1, WRITE = 2, LOST = 4 };                                      // SerialNotification
enum { DOWN = 0, UP = 2 };                                                              // PortState
enum { RX_BYTES, RX_FRAMES, TX_BYTES, TX_FRAMES, NOISE_BYTES, STALLS, FORCED_RESUMES, OPENINGS, TOTALS };    // PortCounters
enum { WRITTEN = 0, NO_SUCH_PORT = 1, PORT_DOWN = 2, BAD_LENGTH = 4, EXPIRED = 5 };     // WriteEnd
enum { DO_WRITE = 0, REPORT_PORTS = 1, REPORT_HEALTH = 2, PASS_BYTES = 3 };             // SerialCommand
enum { FAULTS = 4, BAUD = 115200, LONGEST_NAME = 200 };
enum { HEAD_ROOM = LONGEST_HEAD + 10, PORT_ROOM = 512, REPORTS_ROOM = 1024 };           // Frames leave room to reports, which are never dropped.
enum { LOOK_AGAIN = 500000, LOST_XON = 500000 };                // Microseconds. A mote says XON once a slot: 160 ms at most.

static const char *port_name, *cause = "not opened yet";
static char inbox_name[64], eventbus_name[64];
static mqd_t inbox, eventbus = -1;
static bool is_eventbus_full, is_port_told;
static uint32_t boot;
static uint64_t seq, eventbus_look_at, lost, totals[TOTALS], faults[FAULTS];
static struct writer news;                                      // Items that wait for eventbus: at most one message of them.

static int tty = -1;
static uint32_t generation;
static uint64_t port_since, port_look_at, quiet_until;          // The mote has said XOFF; 0 since its XON.
static struct mote_line line;
static struct { uint64_t id, deadline; bool is_awaited; uint8_t bytes[2 * (LONGEST_TO_MOTE + 2) + 2]; size_t len, sent; } output;

// ---- To eventbus: SerialNotification -----------------------------------------------------------------------------------

static bool has_room(size_t bytes) { return news.used + bytes + HEAD_ROOM <= EVENTBUS_SIZE; }

static void report_port(void) {
    is_port_told = has_room(PORT_ROOM);
    if (!is_port_told) return;
    put_uint(&news, PORT);
    put_text(&news, port_name, strlen(port_name));
    put_uint(&news, generation);
    put_uint(&news, tty < 0 ? DOWN : UP);
    if (tty < 0) put_text(&news, cause, strlen(cause));
    put_uint(&news, port_since);
    put_uint(&news, tty < 0 ? 0 : BAUD);
    for (int total = 0; total < TOTALS; total++) put_uint(&news, totals[total]);
    unsigned kinds = 0;
    for (unsigned fault = 0; fault < FAULTS; fault++) kinds += faults[fault] > 0;
    put_uint(&news, kinds);
    for (unsigned fault = 0; fault < FAULTS; fault++) {
        if (faults[fault] > 0) put_uint(&news, fault), put_uint(&news, faults[fault]);
    }
}

static void report_frame(uint64_t now) {
    if (!is_port_told || !has_room(REPORTS_ROOM + LONGEST_NAME + line.payload_len + 30)) {
        lost++;
        return;
    }
    put_uint(&news, FRAME);
    put_text(&news, port_name, strlen(port_name));
    put_uint(&news, generation);
    put_uint(&news, now);
    put_text(&news, line.frame, line.payload_len);
}

static void report_write(uint64_t id, unsigned end) {
    put_uint(&news, WRITE);
    put_uint(&news, id);
    put_uint(&news, end);
}

static void send_news(uint64_t now) {
    static struct writer message;
    if (!is_port_told) report_port();
    if ((news.used == 0 && lost == 0) || now < eventbus_look_at) return;
    message.used = 0;
    put_head(&message, SERIAL_BRIDGE, boot, seq, now);
    if (lost > 0) put_uint(&message, LOST), put_uint(&message, lost);
    put_bytes(&message, news.bytes, news.used);

    eventbus = reach(eventbus, eventbus_name, EVENTBUS_SIZE);
    if (eventbus >= 0 && mq_send(eventbus, (const char *)message.bytes, message.used, 0) == 0) {
        is_eventbus_full = false;
        news.used = 0;
        lost = 0;
        seq++;
    } else {                                                    // poll() tells of room, but not of a queue that is removed.
        is_eventbus_full = eventbus >= 0 && errno == EAGAIN;
        eventbus_look_at = is_eventbus_full ? 0 : now + LOOK_AGAIN;
    }
}

// ---- The port ----------------------------------------------------------------------------------------------------------

static bool is_sending(void) { return output.sent < output.len; }

static void end_output(unsigned end) {
    if (output.is_awaited) report_write(output.id, end);
    output.is_awaited = false;
    output.len = output.sent = 0;
}

static void close_port(const char *why, uint64_t now) {
    if (tty >= 0 || strcmp(why, cause) != 0) {
        is_port_told = false;
        port_since = now;
    }
    if (tty >= 0) {
        tcflush(tty, TCOFLUSH);                                 // Else closing waits for what an XOFF holds up.
        close(tty);
        tty = -1;
    }
    cause = why;
    port_look_at = now + LOOK_AGAIN;
    end_output(PORT_DOWN);
}

static int open_raw(void) {
    struct termios raw;
    int opened = open(port_name, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (opened >= 0 && flock(opened, LOCK_EX | LOCK_NB) == 0 && tcgetattr(opened, &raw) == 0) {
        cfmakeraw(&raw);                                        // XON and XOFF come to us, and the kernel never sends any.
        raw.c_cflag = (raw.c_cflag | CLOCAL | CREAD) & ~(tcflag_t)(HUPCL | CSTOPB);
        cfsetspeed(&raw, B115200);
        if (tcsetattr(opened, TCSANOW, &raw) == 0) return opened;
    }
    int error = errno;
    if (opened >= 0) close(opened);
    errno = error;
    return -1;
}

static void open_port(uint64_t now) {
    int opened = open_raw();
    if (opened < 0) {
        close_port(strerror(errno), now);
        return;
    }
    tty = opened;
    generation++;
    totals[OPENINGS]++;
    port_since = now;
    is_port_told = false;
    quiet_until = 0;
    memset(&line, 0, sizeof line);
}

static void read_port(uint64_t now) {
    uint8_t bytes[4096];
    if (tty < 0) return;
    ssize_t len = read(tty, bytes, sizeof bytes);
    if (len < 0 && errno == EAGAIN) return;
    if (len <= 0) {
        close_port("gone; it is opened again when it comes back", now);
        return;
    }
    totals[RX_BYTES] += (uint64_t)len;
    if (!is_port_told) report_port();                           // A port is told before its frames.
    for (ssize_t at = 0; at < len; at++) {
        enum heard heard = hear(&line, bytes[at]);
        if (heard == HEARD_NOISE) totals[NOISE_BYTES]++;
        if (heard == HEARD_XON) quiet_until = 0;
        if (heard == HEARD_XOFF) quiet_until = now + LOST_XON;
        if (heard == HEARD_FRAME) totals[RX_FRAMES]++, report_frame(now);
        if (heard >= HEARD_BAD_CRC) faults[heard - HEARD_BAD_CRC]++;
    }
}

static void expire_output(void) {
    uint8_t spoiler = output.bytes[output.sent] == 0;           // What is out already must not become a frame:
    bool is_begun = output.sent > 0;                            // it gets a wrong byte and a flag.
    end_output(EXPIRED);
    if (!is_begun) return;
    output.bytes[0] = spoiler;
    output.bytes[1] = FLAG;
    output.len = 2;
}

static void write_port(uint64_t now) {
    if (output.is_awaited && output.deadline <= now) expire_output();
    if (!is_sending() || quiet_until > now) return;
    if (quiet_until > 0) quiet_until = 0, totals[FORCED_RESUMES]++;
    ssize_t len = write(tty, output.bytes + output.sent, output.len - output.sent);
    if (len < 0 && errno != EAGAIN) {
        close_port("gone; it is opened again when it comes back", now);
        return;
    }
    if (len <= 0) {
        totals[STALLS]++;
        return;
    }
    totals[TX_BYTES] += (uint64_t)len;
    output.sent += (size_t)len;
    if (is_sending()) return;
    totals[TX_FRAMES] += output.is_awaited;
    end_output(WRITTEN);
}

// ---- From eventbus: SerialCommand --------------------------------------------------------------------------------------

struct command { uint64_t kind, id, generation, deadline; struct text port, payload; };

static struct reader commands;                                  // What is still to be done of the message that came last.

static struct command take_command(struct reader *from) {
    struct command command = {.kind = take_uint(from)};
    if (command.kind > PASS_BYTES) from->is_bad = true;
    if (command.kind == PASS_BYTES) command.deadline = take_uint(from);
    if (command.kind != DO_WRITE) return command;
    command.id = take_uint(from);
    command.port = take_text(from);
    command.generation = take_uint(from);
    command.deadline = take_uint(from);
    command.payload = take_text(from);
    return command;
}

// A message is understood as a whole or not at all.
static bool open_message(const uint8_t *message, size_t len) {
    struct reader items = {message, message + len, false};
    take_head(&items);
    struct reader first = items;
    do take_command(&items);
    while (!items.is_bad && items.at < items.end);
    if (!items.is_bad) commands = first;
    return !items.is_bad;
}

static void begin_write(const struct command *command, uint64_t now) {
    struct text port = command->port, payload = command->payload;
    if (port.len != strlen(port_name) || memcmp(port.bytes, port_name, port.len) != 0) report_write(command->id, NO_SUCH_PORT);
    else if (payload.len == 0 || payload.len > LONGEST_TO_MOTE) report_write(command->id, BAD_LENGTH);
    else if (tty < 0 || command->generation != generation) report_write(command->id, PORT_DOWN);
    else {
        output.id = command->id;
        output.deadline = command->deadline;
        output.is_awaited = true;
        output.len = make_frame(output.bytes, payload.bytes, payload.len);
        write_port(now);
    }
}

// One frame at a time, and none without room for its report: the rest waits in the queue, and eventbus sees it fill.
static bool takes_commands(void) { return !is_sending() && has_room(REPORTS_ROOM); }

static void serve_commands(uint64_t now) {
    static uint8_t message[INBOX_SIZE];
    while (takes_commands()) {
        if (commands.at == commands.end) {
            ssize_t len = mq_receive(inbox, (char *)message, sizeof message, NULL);
            if (len < 0) return;
            if (!open_message(message, (size_t)len)) {
                fprintf(stderr, "serial_bridge: %s: a malformed message was passed over\n", inbox_name);
                continue;
            }
        }
        struct command command = take_command(&commands);
        if (command.kind == DO_WRITE) begin_write(&command, now);
        if (command.kind == REPORT_PORTS) report_port();        // The others are for figures and recordings.
    }
}

// ---- The process ------------------------------------------------------------------------------------------------------

static volatile sig_atomic_t is_told_to_stop;

static void stop(int signal) { (void)signal; is_told_to_stop = 1; }

static uint64_t earlier(uint64_t a, uint64_t b) { return a < b ? a : b; }

static void sleep_until_something_happens(const sigset_t *awake, uint64_t now) {
    uint64_t until = tty < 0 ? port_look_at : UINT64_MAX;
    if (output.is_awaited) until = earlier(until, output.deadline);
    if (is_sending() && quiet_until > now) until = earlier(until, quiet_until);
    if (news.used > 0 || lost > 0) until = earlier(until, is_eventbus_full ? now + LOOK_AGAIN : eventbus_look_at);
    struct pollfd waits[] = {
        {.fd = takes_commands() ? inbox : -1, .events = POLLIN},
        {.fd = tty, .events = (short)(is_sending() && quiet_until <= now ? POLLIN | POLLOUT : POLLIN)},
        {.fd = is_eventbus_full ? eventbus : -1, .events = POLLOUT},
    };
    uint64_t left = until > now ? until - now : 0;
    struct timespec timeout = {(time_t)(left / 1000000), (long)(left % 1000000) * 1000};
    ppoll(waits, 3, until == UINT64_MAX ? NULL : &timeout, awake);
}

int main(int argc, char **argv) {
    if (argc != 3 || strlen(argv[1]) > 32 || strlen(argv[2]) > LONGEST_NAME) {
        fprintf(stderr, "usage: serial_bridge INSTANCE PORT, for example: serial_bridge lbr /dev/ttyUSB0\n");
        return 2;
    }
    port_name = argv[2];
    snprintf(inbox_name, sizeof inbox_name, "/%s.serial-bridge", argv[1]);
    snprintf(eventbus_name, sizeof eventbus_name, "/%s.eventbus", argv[1]);
    if (getrandom(&boot, sizeof boot, 0) != sizeof boot) boot = (uint32_t)getpid();
    inbox = own_inbox(inbox_name, INBOX_DEPTH, INBOX_SIZE, 0600);

    sigset_t stops, awake;                                      // They are heard only while we sleep.
    sigemptyset(&stops);
    sigaddset(&stops, SIGTERM);
    sigaddset(&stops, SIGINT);
    sigprocmask(SIG_BLOCK, &stops, &awake);
    signal(SIGTERM, stop);
    signal(SIGINT, stop);

    fprintf(stderr, "serial_bridge: instance %s: ready\n", argv[1]);
    while (!is_told_to_stop) {
        uint64_t now = now_us();
        if (tty < 0 && port_look_at <= now) open_port(now);
        read_port(now);
        write_port(now);
        serve_commands(now);
        send_news(now);
        sleep_until_something_happens(&awake, now);
    }
    close_port("stopped", now_us());
    return 0;
}
