#!/usr/bin/env python3
"""Prints what is told on the bus, a JSON object a line: a member of the bus in another language, to start from.

    tap.py [INSTANCE]

Needs the package posix_ipc. What the bytes on the bus are, and what a member of it has to do, stands in mqtypes/WIRE.md.
It ends with SIGTERM, SIGINT or its reader, and its queue ends with it. A subscriber takes nothing away from anybody.
"""

import contextlib
import fcntl
import json
import os
import secrets
import select
import signal
import sys
import time

import posix_ipc

LEASE_MS = 15_000
RENEW_S = 5  # Two renewals may fail, and a restarted eventbus is followed within this time.


# ---- Values: from bytes ------------------------------------------------------------------------------------------------


class Malformed(Exception):
    """Bytes that are no message, or none of this version."""


class Reader:
    """Takes a message apart from its beginning, and never reads behind its end."""

    def __init__(self, message):
        self.left = message

    def take(self, count):
        if count > len(self.left):
            raise Malformed(f"{count} bytes are expected, and {len(self.left)} are left")
        taken, self.left = self.left[:count], self.left[count:]
        return taken


def nothing(_reader):
    return None


def u8(reader):
    return reader.take(1)[0]


def i8(reader):
    return int.from_bytes(reader.take(1), "little", signed=True)


def uint(reader):
    first = u8(reader)
    if first <= 250:
        return first
    if first > 253:
        raise Malformed(f"no integer begins with {first}")
    return int.from_bytes(reader.take(2 << (first - 251)), "little")


def sint(reader):
    zigzag = uint(reader)
    return -(zigzag >> 1) - 1 if zigzag & 1 else zigzag >> 1


def boolean(reader):
    return variant_of((False, True), u8(reader))


def text(reader):
    try:
        return reader.take(uint(reader)).decode()
    except UnicodeDecodeError as error:
        raise Malformed(str(error)) from error


def octets(count):
    """A `[u8; count]`, shown as hex digits."""
    return lambda reader: reader.take(count).hex()


def blob(reader):
    """A `Vec<u8>`, shown as hex digits."""
    return reader.take(uint(reader)).hex()


def option(value):
    return lambda reader: value(reader) if boolean(reader) else None


def many(value):
    return lambda reader: [value(reader) for _ in range(uint(reader))]


def struct(**fields):
    """Its fields back to back, without names or padding."""
    return lambda reader: {name: value(reader) for name, value in fields.items()}


def enum(*variants):
    """An enum whose variants hold nothing."""
    return lambda reader: variant_of(variants, uint(reader))


def variant_of(variants, number):
    if number >= len(variants):
        raise Malformed(f"there is no variant {number} of {variants}")
    return variants[number]


def tagged(**variants):
    """An enum whose variants hold values: its number, its name, and what it holds."""

    def read(reader):
        number = uint(reader)
        name = variant_of(tuple(variants), number)
        return {"number": number, "name": name, "value": variants[name](reader)}

    return read


# ---- Messages, as far as a subscriber to these topics is told them ----------------------------------------------------

TOPICS = {"Inventory": 0, "Status": 1, "Counts": 2, "Logs": 3}

eui64 = octets(8)
who = struct(mote=option(eui64), port=option(text))
address = struct(kind=u8, bytes=octets(16))
coded = struct(code=u8, name=text)
table_fill = struct(used=u8, heard=uint, of=option(uint))

mote_entry = struct(
    source=enum("serial", "dao"),
    port=option(text),
    link=enum("probing", "up", "silent", "down", "fault"),
    cause=text,
    since=uint,
    baud=uint,
    mote=option(eui64),
    id16=option(uint),
    dagroot=option(boolean),
    last_heard=option(uint),
    first_heard=option(uint),
    boots=uint,
    booted=option(uint),
)

element = tagged(
    IsSync=struct(is_sync=boolean),
    IdManager=struct(is_dag_root=boolean, pan_id=uint, id16=uint, eui64=eui64, prefix=octets(8)),
    MyDagRank=struct(rank=uint),
    OutputBuffer=struct(index_write=uint, index_read=uint),
    Asn=uint,
    MacStats=struct(
        num_sync_pkt=u8,
        num_sync_ack=u8,
        min_correction=sint,
        max_correction=sint,
        num_de_sync=u8,
        num_tics_on=uint,
        num_tics_total=uint,
    ),
    ScheduleRow=struct(
        row=u8,
        slot_offset=uint,
        cell_type=u8,
        shared=boolean,
        channel_offset=u8,
        neighbor=address,
        num_rx=u8,
        num_tx=u8,
        num_tx_ack=u8,
        last_used_asn=uint,
    ),
    Backoff=struct(exponent=u8, backoff=u8),
    Queue=many(struct(creator=u8, owner=u8)),
    NeighborsRow=struct(
        row=u8,
        used=boolean,
        insecure=boolean,
        parent_preference=u8,
        stable_neighbor=boolean,
        switch_stability_counter=u8,
        addr=address,
        dag_rank=uint,
        rssi=i8,
        num_rx=u8,
        num_tx=u8,
        num_tx_ack=u8,
        num_wraps=u8,
        asn=uint,
        join_prio=u8,
        f6p_no_res=boolean,
        in_blacklist=option(boolean),
        sixtop_seq_num=u8,
        backoff_exponent=u8,
        backoff=u8,
    ),
    KaPeriod=uint,
    Joined=uint,
    Msf=struct(num_cells_used_tx=u8, num_cells_used_rx=u8),
    Unknown=struct(element=u8, body=blob),
)

mote_log = struct(
    who=who,
    heard=uint,
    severity=enum("verbose", "info", "warning", "success", "error", "critical", "printf"),
    component=coded,
    error=coded,
    args=lambda reader: [sint(reader), sint(reader)],
    text=text,
)

summary = struct(
    parent=option(struct(mote=eui64, rssi=i8, prr=struct(acked=u8, sent=u8))),
    neighbors=table_fill,
    schedule=table_fill,
    queue=option(struct(used=u8, of=u8)),
)


def never_asked_for(_reader):
    raise Malformed("a notification of a topic that was not subscribed to")


notification = tagged(
    SnapshotBegin=nothing,
    SnapshotEnd=nothing,
    Mote=mote_entry,
    MoteGone=who,
    Status=struct(who=who, heard=uint, element=element),
    Count=struct(sender=text, signal=text, num=uint),
    Log=mote_log,
    Outcome=never_asked_for,
    Health=never_asked_for,
    Gap=struct(dropped=many(struct(reason=text, count=uint))),
    Started=nothing,
    Summary=struct(who=who, heard=uint, summary=summary),
)

envelope = struct(sender=enum("serial-bridge", "eventbus", "ui-proxy", "tool"), boot=uint, seq=uint, sent=uint)


def open_message(message):
    """The envelope of a message and its items: all of them, or none."""
    if message[:4] != b"oLBR" or len(message) < 6:
        raise Malformed("foreign bytes")
    if message[4] != 2:
        raise Malformed(f"protocol version {message[4]}; this script speaks version 2")
    reader = Reader(message[6:])
    head, items = envelope(reader), []
    while reader.left or not items:
        items.append(notification(reader))
    return head, items


# ---- Values: to bytes --------------------------------------------------------------------------------------------------


def put_uint(value):
    for tag, width in ((251, 2), (252, 4), (253, 8)):
        if value <= 250:
            return bytes([value])
        if value < 1 << (8 * width):
            return bytes([tag]) + value.to_bytes(width, "little")
    raise OverflowError(value)


def put_text(value):
    return put_uint(len(value.encode())) + value.encode()


def subscribe(reply):
    topics = b"".join(put_uint(number) for number in TOPICS.values())
    return put_uint(0) + put_text(reply) + put_uint(len(TOPICS)) + topics + put_uint(LEASE_MS)


def unsubscribe(reply):
    return put_uint(1) + put_text(reply)


# ---- A member of the bus -----------------------------------------------------------------------------------------------


class Requests:
    """The way to eventbus, which may come and go."""

    def __init__(self, instance):
        self.path = f"/{instance}.eventbus-requests"
        self.boot = secrets.randbits(32)
        self.seq = 0

    def open(self):
        queue = posix_ipc.MessageQueue(self.path, read=False)
        queue.block = False
        return queue

    def group(self):
        """The group whose members may ask; eventbus is one of them."""
        queue = self.open()
        try:
            return os.fstat(queue.mqd).st_gid
        finally:
            queue.close()

    def say(self, request):
        """Says it, if there is room. Opened anew each time: eventbus may have made its queue anew."""
        try:
            queue = self.open()
        except posix_ipc.ExistentialError:
            return
        try:
            if queue.current_messages > queue.max_messages // 2:
                return  # Nobody reads; the room that is left is for those who cannot ask again.
            sent = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
            head = b"oLBR\x02\x00" + put_uint(3) + put_uint(self.boot) + put_uint(self.seq) + put_uint(sent)
            queue.send(head + request)
            self.seq += 1
        except posix_ipc.BusyError:
            pass
        finally:
            queue.close()


@contextlib.contextmanager
def own_queue(instance, name, group):
    """A queue of ours that `group` may write to and not read."""
    path = f"/{instance}.{name}"
    with contextlib.suppress(posix_ipc.ExistentialError):
        posix_ipc.unlink_message_queue(path)  # Of a killed process that had our number.
    queue = posix_ipc.MessageQueue(path, posix_ipc.O_CREX, mode=0o600, max_messages=10, max_message_size=8192, write=False)
    try:
        queue.block = False
        fcntl.flock(queue.mqd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with contextlib.suppress(PermissionError):  # Then eventbus can only write to us if it is the same user.
            os.fchown(queue.mqd, -1, group)
            os.fchmod(queue.mqd, 0o620)
        yield queue
    finally:
        queue.close()
        posix_ipc.unlink_message_queue(path)


def show(kind, value):
    line = {"kind": kind} | (value if isinstance(value, dict) else {})
    print(json.dumps(line), flush=True)


def listen(queue, requests, reply):
    """Shows what comes, for ever."""
    renew_at, heard = 0.0, None
    while True:
        if time.monotonic() >= renew_at:
            requests.say(subscribe(reply))
            renew_at = time.monotonic() + RENEW_S
        ready, _, _ = select.select([queue.mqd], [], [], max(0.0, renew_at - time.monotonic()))
        if not ready:
            continue
        try:
            head, items = open_message(queue.receive()[0])
        except Malformed as error:
            print(f"tap.py: a message was passed over: {error}", file=sys.stderr)
            continue
        if heard and heard["boot"] == head["boot"] and head["seq"] > heard["seq"] + 1:
            print("tap.py: messages are missing: somebody else reads this queue", file=sys.stderr)
        heard = head
        for item in items:
            show(item["name"], item["value"])
            if item["name"] == "Started":
                renew_at = 0.0  # A new eventbus does not know us.


def main():
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: sys.exit(0))
    instance = sys.argv[1] if len(sys.argv) > 1 else "lbr"
    requests, reply = Requests(instance), f"tap-{os.getpid()}"
    try:
        group = requests.group()
    except posix_ipc.Error as error:
        sys.exit(f"tap.py: {requests.path}: {error}: is eventbus running, and may this user write to it?")
    with own_queue(instance, reply, group) as queue:
        try:
            listen(queue, requests, reply)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more at its end.
        finally:
            requests.say(unsubscribe(reply))


if __name__ == "__main__":
    main()
