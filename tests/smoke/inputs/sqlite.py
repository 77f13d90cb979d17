"""Threads with a connection each that write to one data base and sort with SQLite's own threads."""
import sqlite3
import threading


def write(me):
    data = sqlite3.connect("b.db", timeout=120, isolation_level=None)
    for i in range(40):
        data.execute("insert into t values (?, ?)", (me, i))
    data.close()


main = sqlite3.connect("b.db", timeout=120)
main.execute("pragma synchronous = off")
main.execute("create table t (a, b)")
main.commit()
threads = [threading.Thread(target=write, args=(i,)) for i in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(main.execute("select count(*), sum(a * b) from t").fetchall(), main.execute("pragma integrity_check").fetchall())
