#!/usr/bin/env python3
"""usage: servers.py ECHO HTTP: the examples' servers before clients of many kinds, well and badly behaved."""
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

TAIL = b" HTTP/1.1\r\nHost: x\r\n\r\n"


def start(*arguments):
    server = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    return server, int(server.stdout.readline().split()[1])


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=40)


def read_all(client):
    data = b""
    while True:
        try:
            piece = client.recv(65536)
        except ConnectionResetError:
            return data
        if not piece:
            return data
        data += piece


def ask(port, request):
    with connect(port) as client:
        client.sendall(request)
        client.shutdown(socket.SHUT_WR)
        return read_all(client)


def expect(what, got, wanted):
    if got != wanted:
        sys.exit(f"servers: {what}: {got!r}, not {wanted!r}")


def status(answer):
    return int(answer.split(b" ", 2)[1]) if answer else 0


def body(answer):
    return answer.split(b"\r\n\r\n", 1)[1]


def check_echo(port):
    wrong = []

    def client(number):
        text = bytes((number + i) % 256 for i in range(200000))
        with connect(port) as c:
            sender = threading.Thread(target=lambda: (c.sendall(text), c.shutdown(socket.SHUT_WR)))
            sender.start()
            if read_all(c) != text:
                wrong.append(number)
            sender.join()

    threads = [threading.Thread(target=client, args=(n,)) for n in range(20)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    expect("echoes that differ", wrong, [])


def check_statuses(port, page):
    expect("a page", body(ask(port, b"GET /page.html" + TAIL)), page)
    expect("a folder", body(ask(port, b"GET /" + TAIL)), b"index")
    expect("a name with a space", body(ask(port, b"GET /a%20b?x=y" + TAIL)), b"spaced")
    for target, wanted in ((b"/none", 404), (b"/fifo", 404), (b"/folder", 404), (b"/../secret", 400),
                           (b"/%2e%2e/secret", 400), (b"/folder/..%2f../secret", 400), (b"/a%00b", 400),
                           (b"page.html", 400), (b"/%zz", 400), (b"/" + b"a" * 2000, 414)):
        expect(target, status(ask(port, b"GET " + target + TAIL)), wanted)
    expect("a link that stays inside", body(ask(port, b"GET /inside" + TAIL)), page)
    for target in (b"/outside", b"/away/hostname", b"/beside", b"/beside/index.html"):
        expect(target, status(ask(port, b"GET " + target + TAIL)), 404)
    expect("an absolute path", status(ask(port, b"GET //etc/hostname" + TAIL)), 404)
    expect("another method", status(ask(port, b"DELETE /page.html" + TAIL)), 405)
    expect("large fields", status(ask(port, b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 9000)), 431)
    expect("no host", status(ask(port, b"GET / HTTP/1.1\r\n\r\n")), 400)
    expect("a body", status(ask(port, b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")), 400)
    expect("another version", status(ask(port, b"GET / HTTP/2.0\r\nHost: x\r\n\r\n")), 505)
    expect("no HTTP", status(ask(port, b"\x16\x03\x01\x02\r\n\r\n")), 400)
    head = ask(port, b"HEAD /page.html" + TAIL)
    expect("a head", (status(head), body(head)), (200, b""))
    expect("its length", b"Content-Length: %d\r\n" % len(page) in head, True)


def check_connections(port, page):
    """Requests that come together, or byte by byte, and clients that go."""
    answers = ask(port, (b"GET /a%20b" + TAIL) * 50 + b"GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    expect("pipelined", (answers.count(b"200 OK"), answers.count(b"spaced"), answers.count(b"404 ")), (50, 50, 1))
    with connect(port) as client:
        for byte in b"GET /a%20b HTTP/1.0\r\n\r\n":
            client.sendall(bytes([byte]))
        expect("torn", body(read_all(client)), b"spaced")
    for cut in (b"", b"GET /pa", b"GET /page.html" + TAIL):
        with connect(port) as client:
            client.sendall(cut)
    with connect(port) as client:
        client.sendall(b"GET /page.html HTTP/1.1\r\nHo")
        expect("too slow", status(read_all(client)), 408)
    expect("still there", body(ask(port, b"GET /page.html" + TAIL)), page)


def check_wrk(port, path):
    wrk = shutil.which("wrk")
    if not wrk:
        return "no wrk"
    run = subprocess.run([wrk, "-t1", "-c20", "-d2s", f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True,
                         check=True)
    expect("wrk's errors", [line for line in run.stdout.splitlines() if "Non-2xx" in line], [])
    return next(line.strip() for line in run.stdout.splitlines() if "Requests/sec" in line)


def left_open(servers):
    """How many of those that have more than they began with, once their clients have gone and they have had time to notice."""
    for _ in range(300):
        left = [n for n in (len(os.listdir(f"/proc/{s.pid}/fd")) for s in servers) if n > 12]
        if not left:
            break
        time.sleep(0.1)
    return left


def main():
    with tempfile.TemporaryDirectory() as folder:
        root = os.path.join(folder, "root")
        os.makedirs(os.path.join(root, "folder"))
        page = os.urandom(300000)
        for name, text in (("page.html", page), ("index.html", b"index"), ("a b", b"spaced"), ("../secret", b"secret")):
            with open(os.path.join(root, name), "wb") as file:
                file.write(text)
        os.mkfifo(os.path.join(root, "fifo"))
        for name, target in (("inside", "page.html"), ("outside", "../secret"), ("away", "/etc"), ("beside", "../root2")):
            os.symlink(target, os.path.join(root, name))
        os.makedirs(os.path.join(folder, "root2"))
        with open(os.path.join(folder, "root2", "index.html"), "wb") as file:
            file.write(b"secret")
        echo, echo_port = start(sys.argv[1], "0")
        http, http_port = start(sys.argv[2], root)
        try:
            check_echo(echo_port)
            check_statuses(http_port, page)
            check_connections(http_port, page)
            print(check_wrk(http_port, "/a%20b"))
            expect("servers that ended", (echo.poll(), http.poll()), (None, None))
            expect("descriptors left open", left_open((echo, http)), [])
        finally:
            for server in (echo, http):
                server.kill()
                server.wait()


main()
