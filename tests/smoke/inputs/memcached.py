"""Clients of memcached in threads: counters, and values that each thread reads back."""
import socket
import sys
import threading


class Client:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.file = self.socket.makefile("rb")

    def ask(self, line, data=None):
        self.socket.sendall(line.encode() + b"\r\n" + (data + b"\r\n" if data is not None else b""))
        return self.file.readline().strip()

    def get(self, key):
        head = self.ask("get " + key).split()
        if head[0] != b"VALUE":
            return None
        value = self.file.read(int(head[3]) + 2)[:-2]
        self.file.readline()
        return value


def work(port, me, right):
    client = Client(port)
    for i in range(200):
        client.ask("incr counter 1")
        value = b"%d-" % i * (1 + i % 40 * me)
        if client.ask(f"set {me}.{i} 0 0 {len(value)}", value) == b"STORED" and client.get(f"{me}.{i}") == value:
            right[me] += 1


port = int(sys.argv[1])
Client(port).ask("set counter 0 0 1", b"0")
right = [0] * 8
threads = [threading.Thread(target=work, args=(port, i, right)) for i in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(right, Client(port).get("counter"))
