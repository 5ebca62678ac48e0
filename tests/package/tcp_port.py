"""Puts a serial device behind a TCP port of this machine, as IoT-LAB does: tcp_port.py DEVICE

QEMU's user mode knows too few of a terminal's ioctls to open one as a serial port. Prints the port's number, then passes bytes on for
one connection after the other.
"""

import os
import select
import socket
import sys
import tty


def relay(device, connection):
    while True:
        ready, _, _ = select.select([device, connection], [], [])
        if device in ready:
            connection.sendall(os.read(device, 4096))
        if connection in ready:
            received = connection.recv(4096)
            if not received:
                return
            os.write(device, received)


def main():
    device = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)
    tty.setraw(device)
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        connection, _ = listener.accept()
        with connection:
            relay(device, connection)


main()
